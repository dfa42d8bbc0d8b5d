// A folder on disk, and the model that a path names in one.

import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { IoError, printable } from "@ll/bytes";
import { openFileSource, reason } from "@ll/bytes/node";
import { CheckpointError } from "./errors.ts";
import type { ModelFolder } from "./model-folder.ts";

/** What a path names: a folder, or a file in one. */
export interface ModelPlace {
  readonly folder: ModelFolder;
  readonly file: string | undefined;
}

/** @throws IoError for a path where nothing is */
export async function placeOf(path: string): Promise<ModelPlace> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new IoError({ code: "E_IO", file: path, message: `failed to open ${path}: ${reason(cause)}`, cause });
  });
  if (info.isDirectory()) return { folder: diskFolder(path), file: undefined };
  return { folder: diskFolder(dirname(path)), file: basename(path) };
}

export function diskFolder(directory: string): ModelFolder {
  const pathOf = (name: string): string => join(directory, name);
  return {
    name: directory,
    list: () => readdir(directory),
    has: async (name) => (await stat(pathOf(name)).catch(() => undefined))?.isFile() ?? false,
    pathOf,
    open: (name) => openFileSource(pathOf(name)),
    folder: (name) => diskFolder(pathOf(name)),
    assertContained: (name) => assertContained(directory, name),
  };
}

/**
 * @throws `E_PATH` for a symbolic link out of the directory. Links into the `blobs` folder two levels up are how the cache of
 * the Hugging Face hub stores every file.
 */
async function assertContained(directory: string, name: string): Promise<void> {
  const home = await realpath(directory);
  const target = dirname(await realpath(join(directory, name)));
  if (target === home || target === resolve(home, "..", "..", "blobs")) return;
  throw new CheckpointError({
    code: "E_PATH",
    file: join(directory, name),
    offset: 0,
    field: "weight_map",
    expected: `a file in ${home}`,
    got: printable(target),
    message: `"${printable(name)}" is a link out of the model directory`,
  });
}
