// SHA256SUMS: lines of a checksum, two spaces and a path below the folder of the file, as sha256sum writes them.

import { isAbsolute } from "node:path";
import { FormatError } from "@ll/bytes";

/** Largest file that is read; a line has about 100 bytes. */
export const MAX_SUMS_BYTES: number = 1024 * 1024;

export interface SumsEntry {
  /** As written in the file. Only 64 lower-case hexadecimal digits can ever be right. */
  readonly sum: string;
  /** Below the folder of the file: never absolute, never upwards. */
  readonly path: string;
}

/**
 * All lines, checked before any file is touched.
 * @throws FormatError `E_LINE` for a line of another shape; `E_PATH` for a path that leaves the folder
 */
export function parseSums(text: string, file: string): SumsEntry[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => {
    const parts = line.split("  ");
    const [sum, path] = parts;
    const field = `line ${index + 1}`;
    if (sum === undefined || path === undefined || parts.length !== 2) {
      throw new FormatError({
        code: "E_LINE",
        file,
        field,
        expected: "a checksum, two spaces and a path",
        got: line.slice(0, 100),
        message: `expected a checksum, two spaces and a path, got "${line.slice(0, 100)}"`,
      });
    }
    if (!staysBelow(path)) {
      throw new FormatError({
        code: "E_PATH",
        file,
        field,
        expected: "a path below the folder of this file",
        got: path,
        message: `"${path.slice(0, 100)}" is no path below the folder of this file`,
      });
    }
    return { sum, path };
  });
}

function staysBelow(path: string): boolean {
  const isRooted = isAbsolute(path) || /^[\\/]|^[A-Za-z]:/.test(path);
  const isOdd = path === "" || path.includes("\0");
  return !isRooted && !isOdd && !path.split(/[\\/]/).includes("..");
}
