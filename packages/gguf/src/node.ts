// GGUF files on disk: for Node only.

import { closeAll } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import { GgufFormatError } from "./errors.ts";
import { MAX_SPLITS } from "./limits.ts";
import type { OpenGgufOptions } from "./read.ts";
import { type GgufSet, openGgufSet } from "./split-set.ts";

export interface OpenedGguf extends GgufSet {
  /** In order; one, unless it is a set. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

/** Numbers from 1, five digits each. */
const SPLIT_NAME = /-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * Opens the file at `path`, and if its name ends in `-00001-of-00003.gguf` or the like, all files of its set.
 * @throws GgufFormatError as `openGgufSet`; IoError if a file of the set is missing
 */
export async function openGgufPath(path: string, options: OpenGgufOptions = {}): Promise<OpenedGguf> {
  const paths = ggufSetPaths(path);
  const sources: FileSource[] = [];
  const close = (): Promise<void> => closeAll(sources);
  try {
    for (const one of paths) sources.push(await openFileSource(one));
    return {
      ...(await openGgufSet(sources, options)),
      paths,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The paths of all files of the set that `path` names a file of, in order; `path` alone for any other name.
 * @throws GgufFormatError `E_SPLIT` if the name speaks of a set that cannot be
 */
export function ggufSetPaths(path: string): string[] {
  const [ending, number, count] = SPLIT_NAME.exec(path) ?? [];
  if (ending === undefined) return [path];
  const nFiles = Number(count);
  if (nFiles < 1 || nFiles > MAX_SPLITS || Number(number) < 1 || Number(number) > nFiles) {
    throw new GgufFormatError({
      code: "E_SPLIT",
      file: path,
      field: "file name",
      expected: `1 to at most ${MAX_SPLITS} files`,
      got: `${number} of ${count}`,
      message: `the name speaks of file ${number} of ${count}`,
    });
  }
  const stem = path.slice(0, -ending.length);
  return Array.from({ length: nFiles }, (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`);
}
