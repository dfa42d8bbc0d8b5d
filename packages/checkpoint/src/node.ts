// Checkpoints on disk: for Node only.

export type { GgmlOpener } from "./model-file.ts";
export {
  type CheckpointEvent,
  type OpenedCheckpoint,
  type OpenFiles,
  type OpenOptions,
  openCheckpoint,
  openStoredTensors,
  type StoredTensors,
} from "./open-checkpoint.ts";
export { openZipArchive, type ZipArchive } from "./zip-archive.ts";
