// Files on disk: for Node only.

import { createOutFile as createTestableOutFile, type OutFile } from "./out-file.ts";
import type { OutFileOptions } from "./out-file-options.ts";

export { type FileSource, openFileSource, pathOf, reason } from "./file-source.ts";
export { assertWritable } from "./out-target.ts";
export { openPartFile, type PartFile, type PartFileOptions } from "./part-file.ts";
export { openPieceFolder, type PieceFolder } from "./piece-folder.ts";
export { removeTemporaryFiles } from "./temporary-files.ts";
export type { OutFile, OutFileOptions };

/**
 * Begins a file. An existing regular file is replaced, with its permissions unless it shall be private, when `commit` is called and not before.
 * @throws IoError `E_SAME_FILE`, `E_EXISTS`, `E_NOSPACE` or `E_IO` before anything is written.
 */
export const createOutFile: (path: string, options: OutFileOptions) => Promise<OutFile> = createTestableOutFile;
