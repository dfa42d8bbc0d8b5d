// A model on disk, by its path.

import { join } from "node:path";
import type { Checkpoint } from "./checkpoint.ts";
import { diskFolder, placeOf } from "./disk-folder.ts";
import {
  type FolderHfModel,
  type FolderOptions,
  type OpenFiles,
  openFolderCheckpoint,
  openFolderHf,
  openFolderTensors,
  type StoredTensors,
} from "./open-folder.ts";
import { openZipArchive } from "./zip-archive.ts";

export type OpenOptions = Omit<FolderOptions, "openZip">;

export interface OpenedCheckpoint extends Checkpoint, OpenFiles {
  /** Existing places of tokenizer.model, best first: beside the first file, then one directory up. */
  readonly tokenizerPaths: readonly string[];
}

/**
 * Opens the model at `path`, a directory or one of its files, by the rules of convert.py of llama.cpp build 803. No weight is
 * read until a tensor is; nothing that is read is kept.
 * @throws CheckpointError, IoError
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<OpenedCheckpoint> {
  const { folder, file } = await placeOf(path);
  const checkpoint = await openFolderCheckpoint(folder, file, { ...options, openZip: openZipArchive });
  return { ...checkpoint, tokenizerPaths: await findTokenizers(folder.name) };
}

/**
 * Opens the tensors of the model at `path` without asking what model it is; with `single`, those of that one file only.
 * @throws CheckpointError, IoError
 */
export async function openStoredTensors(
  path: string,
  options: OpenOptions & { readonly single?: boolean } = {},
): Promise<StoredTensors> {
  const { folder, file } = await placeOf(path);
  return openFolderTensors(folder, file, { ...options, openZip: openZipArchive });
}

/** A Hugging Face directory, of whatever family. */
export interface OpenedHfModel extends FolderHfModel {
  readonly directory: string;
}

/**
 * Opens the model at `path`, a directory or one of its files, if the config.json beside it names a class of models; undefined if it does
 * not, or is not there. No weight is read until a tensor is.
 * @throws CheckpointError, IoError
 */
export async function openHfDirectory(path: string, options: OpenOptions = {}): Promise<OpenedHfModel | undefined> {
  const { folder, file } = await placeOf(path);
  const model = await openFolderHf(folder, file, { ...options, openZip: openZipArchive });
  return model && { ...model, directory: folder.name };
}

/** Where build 803 looks, whether or not the files there are any good. */
async function findTokenizers(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of [directory, join(directory, "..")]) {
    if (await diskFolder(place).has("tokenizer.model")) found.push(join(place, "tokenizer.model"));
  }
  return found;
}
