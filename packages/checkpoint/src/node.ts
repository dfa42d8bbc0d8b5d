// Checkpoints on disk: for Node only.

export type { GgmlOpener } from "./model-file.ts";
export {
  type CheckpointEvent,
  type OpenedCheckpoint,
  type OpenedHfModel,
  type OpenFiles,
  type OpenOptions,
  openCheckpoint,
  openHfDirectory,
  openStoredTensors,
  type StoredTensors,
} from "./open-checkpoint.ts";
export { openZipArchive, type ZipArchive } from "./zip-archive.ts";
