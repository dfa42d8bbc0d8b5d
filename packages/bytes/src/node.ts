// Files on disk: for Node only.

export { type FileSource, openFileSource, reason } from "./file-source.ts";
export {
  createOutFile,
  type OutFile,
  type OutFileOptions,
  type OutFileSystem,
  removeTemporaryFiles,
} from "./out-file.ts";
