// Files on disk: for Node only.

export { type FileSource, openFileSource, reason } from "./file-source.ts";
export { createOutFile, type OutFile } from "./out-file.ts";
export type { OutFileOptions, OutFileSystem } from "./out-file-options.ts";
export { removeTemporaryFiles } from "./temporary-files.ts";
