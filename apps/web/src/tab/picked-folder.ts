// Files that a person gave to the page, as the folder that they were in.

import { blobSource, FormatError } from "@ll/bytes";
import type { FolderFile, ModelFolder } from "@ll/checkpoint";
import type { PickedFile } from "./jobs.ts";

/** The folder that all files are in: those of a checkpoint lie in one, and what lies below it, beside them. */
export function pickedFolder(files: readonly PickedFile[]): ModelFolder {
  const parents = files.map(({ path }) => path.split("/").slice(0, -1));
  const [first = [], ...others] = parents;
  let depth = 0;
  while (depth < first.length && others.every((parts) => parts[depth] === first[depth])) depth++;
  return folderAt(files, first.slice(0, depth));
}

function folderAt(files: readonly PickedFile[], parts: readonly string[]): ModelFolder {
  const prefix = parts.map((part) => `${part}/`).join("");
  const inside = new Map(
    files
      .filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
      .map(({ path, file }) => [path.slice(prefix.length), file]),
  );
  return {
    name: parts.at(-1) ?? "the picked files",
    list: async () => [...inside.keys()],
    has: async (name) => inside.has(name),
    pathOf: (name) => name,
    async open(name) {
      const file = inside.get(name);
      if (file === undefined) {
        throw new FormatError({
          code: "E_INPUT",
          file: name,
          message: "this file was not among those that were picked",
        });
      }
      return fileSource(file);
    },
    folder: (name) => folderAt(files, [...parts, name]),
  };
}

/** Browsers notice by themselves that a picked file has changed: every read of it then fails. */
export function fileSource(file: File): FolderFile {
  const source = blobSource(file, file.name);
  return {
    ...source,
    assertUnchanged: () => source.read(0, new Uint8Array(Math.min(1, file.size))),
    close: async () => undefined,
  };
}
