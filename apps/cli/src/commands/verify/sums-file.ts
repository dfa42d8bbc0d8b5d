// Lists of checksums: `SUM  PATH` and `SUM *PATH` as sha256sum and md5sum write them, `SHA256 (PATH) = SUM` as BSD and
// `sha256sum --tag` do, with digits in upper or lower case. SHA-256, and MD5 as in Meta's checklist.chk, told by their length.

import { isAbsolute } from "node:path";
import { FormatError } from "@ll/bytes";

/** Largest file that is read; a line has about 100 bytes. */
export const MAX_SUMS_BYTES: number = 1024 * 1024;

/** By their names in node:crypto. */
export type SumAlgorithm = "sha256" | "md5";

export interface SumsEntry {
  readonly algorithm: SumAlgorithm;
  /** Lower-case hexadecimal digits, as many as the algorithm gives. */
  readonly sum: string;
  /** Below the folder of the file: never absolute, never upwards. */
  readonly path: string;
}

/** Number of digits → what gives so many. */
const ALGORITHMS: ReadonlyMap<number, SumAlgorithm> = new Map([
  [64, "sha256"],
  [32, "md5"],
]);

const GNU_LINE = /^(\\?)(\S+) [ *](.+)$/s;
const BSD_LINE = /^(\\?)([A-Za-z0-9/-]+) ?\((.+)\) ?= ?(\S+)$/s;

/**
 * All lines but empty ones, checked before any file is touched.
 * @throws FormatError `E_LINE` for a line of another shape, a sum of other algorithms, or a list without entries; `E_PATH` for a
 *   path that leaves the folder
 */
export function parseSums(text: string, file: string): SumsEntry[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
  const entries = lines.flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, file, index + 1)]));
  if (entries.length === 0) throw lineError(file, 1, "at least one checksum and path", "none");
  return entries;
}

function parseLine(line: string, file: string, number: number): SumsEntry {
  const { backslash, sum, path: written, name } = partsOf(line) ?? {};
  if (sum === undefined || written === undefined || !/^[0-9a-fA-F]+$/.test(sum)) {
    throw lineError(file, number, "a checksum, two spaces and a path", `"${line.slice(0, 100)}"`);
  }
  const algorithm = ALGORITHMS.get(sum.length);
  if (algorithm === undefined || (name !== undefined && name.toLowerCase().replace("-", "") !== algorithm)) {
    const got = name ?? `${sum.length} digits`;
    throw lineError(file, number, "a SHA-256 of 64 digits or an MD5 of 32", got);
  }
  // a backslash before the sum says that the name is escaped
  const path = backslash === "" ? written : written.replace(/\\([\\nr])/g, (_, code: string) => ESCAPED[code] ?? "");
  if (!staysBelow(path)) {
    throw new FormatError({
      code: "E_PATH",
      file,
      field: `line ${number}`,
      expected: "a path below the folder of this file",
      got: path,
      message: `"${path.slice(0, 100)}" is no path below the folder of this file`,
    });
  }
  return { algorithm, sum: sum.toLowerCase(), path };
}

const ESCAPED: Readonly<Record<string, string>> = { "\\": "\\", n: "\n", r: "\r" };

interface LineParts {
  readonly backslash: string;
  readonly sum: string;
  readonly path: string;
  /** Of the algorithm, where the line says it. */
  readonly name?: string;
}

function partsOf(line: string): LineParts | undefined {
  const bsd = BSD_LINE.exec(line);
  if (bsd !== null) {
    const [, backslash = "", name = "", path = "", sum = ""] = bsd;
    return { backslash, sum, path, name };
  }
  const gnu = GNU_LINE.exec(line);
  if (gnu === null) return undefined;
  const [, backslash = "", sum = "", path = ""] = gnu;
  return { backslash, sum, path };
}

function lineError(file: string, number: number, expected: string, got: string): FormatError {
  const message = `expected ${expected}, got ${got}`;
  return new FormatError({ code: "E_LINE", file, field: `line ${number}`, expected, got, message });
}

function staysBelow(path: string): boolean {
  const isRooted = isAbsolute(path) || /^[\\/]|^[A-Za-z]:/.test(path);
  const isOdd = path.trim() === "" || path.includes("\0");
  return !isRooted && !isOdd && !path.split(/[\\/]/).includes("..");
}
