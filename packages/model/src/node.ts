// Model files on disk: for Node only.

import { closeAll } from "@ll/bytes";
import { type FileSource, openFileSource, pathOf } from "@ll/bytes/node";
import { ggufSetPaths } from "@ll/gguf/node";
import { containerOf, type ModelContainer } from "./container.ts";
import type { ModelFile } from "./model-file.ts";
import { type ModelInput, type OpenModelFileOptions, openModelFile as openAny } from "./open-model-file.ts";

export * from "./index.ts";

/** Which reader takes the file at a path; undefined for a directory, and for what cannot be opened: others have the words for that. */
export async function containerAt(path: string): Promise<ModelContainer | undefined> {
  const source = await openFileSource(path).catch(() => undefined);
  try {
    return source && (await containerOf(source));
  } finally {
    await source?.close();
  }
}

export interface OpenedModelFile extends ModelFile {
  /** In order; one, unless it is a set. Empty for what was no path. */
  readonly paths: readonly string[];
  /** Closes what was opened by its path. */
  close(): Promise<void>;
}

/**
 * `openModelFile` of `@ll/model`, of paths and file: addresses too: the path of one file of a set, `NAME-00001-of-00003.gguf`, opens all of them. An open
 * `FileSource` counts as its path, and is closed with the others. With `damaged`, a file of a set opens alone where others are missing.
 * @throws as there; FormatError `E_SPLIT` for a name of a set that cannot be; IoError if a file is missing. What was opened is closed then.
 */
export async function openModelFile(
  from: string | FileSource | ModelInput,
  options: OpenModelFileOptions = {},
): Promise<OpenedModelFile> {
  const isObject = typeof from === "object" && from !== null;
  const given = isObject && "path" in from && "close" in from ? (from as FileSource) : undefined;
  const path = pathOf(from) ?? given?.path;
  if (path === undefined) {
    return { ...(await openAny(from as ModelInput, options)), paths: [], close: async () => undefined };
  }
  const sources: FileSource[] = [];
  const close = (): Promise<void> => closeAll(sources);
  try {
    if (given !== undefined) sources.push(given);
    const paths = ggufSetPaths(path);
    const files: FileSource[] = [];
    for (const one of paths) {
      if (one === path && given !== undefined) files.push(given);
      else {
        const file = await openFileSource(one).catch((error: unknown) => {
          if (options.damaged !== true || one === path) throw error;
        });
        if (file === undefined) continue;
        sources.push(file);
        files.push(file);
      }
    }
    if (files.length === paths.length) return { ...(await openAny(files, options)), paths, close };
    // others are missing, which the one that was named can say itself
    const named = files.find((file) => file.path === path) as FileSource;
    return { ...(await openAny(named, options)), paths: [path], close };
  } catch (error) {
    await close();
    throw error;
  }
}
