// Checkpoints on disk: for Node only.

export { diskFolder } from "./disk-folder.ts";
export type { GgmlOpener } from "./model-file.ts";
export {
  type OpenedCheckpoint,
  type OpenedHfModel,
  type OpenOptions,
  openCheckpoint,
  openHfDirectory,
  openStoredTensors,
} from "./open-checkpoint.ts";
export type { CheckpointEvent, OpenFiles, StoredTensors } from "./open-folder.ts";
export type { ZipArchive } from "./torch-checkpoint.ts";
export { openZipArchive } from "./zip-archive.ts";
