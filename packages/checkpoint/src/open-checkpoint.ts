// A model on disk: its files found, opened and put together.

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AbortSignal, printable, type SourceTensor } from "@ll/bytes";
import { closeAll, type FileSource, openFileSource } from "@ll/bytes/node";
import {
  assembleCheckpoint,
  type Checkpoint,
  type CheckpointFiles,
  type CheckpointFormat,
  type CheckpointWarning,
} from "./checkpoint.ts";
import { type ChosenFiles, chooseFiles } from "./choose-files.ts";
import { present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";
import { type HfModel, namesClass, openHfModel } from "./hf-model.ts";
import { type JsonObject, readJsonObject } from "./json-tree.ts";
import { type GgmlOpener, type ModelFile, openModelFile } from "./model-file.ts";
import { assertIndexed } from "./shard-index.ts";
import { mergeParts } from "./shards.ts";

/** What is told while a model is opened. */
export type CheckpointEvent =
  | { readonly kind: "loading-file"; readonly path: string }
  | ({ readonly kind: "warning" } & CheckpointWarning);

export interface OpenOptions {
  readonly onEvent?: (event: CheckpointEvent) => void;
  /** Opens ggml files, if those are to be taken as input; the opened checkpoint closes them. */
  readonly openGgml?: GgmlOpener;
}

/** What an opened model on disk has beside its tensors. */
export interface OpenFiles {
  /**
   * Makes sure that the files are what they seemed to be: reads what has a checksum and was not read from start to end.
   * Call it before what was made of the tensors is put in place.
   * @throws CheckpointError `E_CRC`; IoError `E_CHANGED` if a file is not the one that was opened.
   */
  verify(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface OpenedCheckpoint extends Checkpoint, OpenFiles {
  /** Existing places of tokenizer.model, best first: beside the first file, then one directory up. */
  readonly tokenizerPaths: readonly string[];
}

/** The tensors of one or more files as they are stored, whatever model they belong to. */
export interface StoredTensors extends OpenFiles {
  readonly format: CheckpointFormat;
  readonly files: readonly string[];
  readonly storedTensors: ReadonlyMap<string, SourceTensor>;
}

/**
 * Opens the model at `path`, a directory or one of its files, by the rules of convert.py of llama.cpp build 803. No weight is
 * read until a tensor is; nothing that is read is kept.
 * @throws CheckpointError, IoError
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<OpenedCheckpoint> {
  const chosen = await chooseFiles(path);
  const files = await openAll(chosen.paths, options);
  try {
    const directory = dirname(chosen.paths[0] as string);
    const checkpoint = await withConfigFiles(directory, files, assembleCheckpoint);
    const extra = [...chosen.warnings, ...checkIndex(chosen, files), ...otherEntries(files)];
    const warnings = [...extra, ...checkpoint.warnings];
    for (const warning of warnings) options.onEvent?.({ kind: "warning", ...warning });
    return { ...checkpoint, ...openFiles(files), warnings, tokenizerPaths: await findTokenizers(directory) };
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/**
 * Opens the tensors of the model at `path` without asking what model it is; with `single`, those of that one file only.
 * @throws CheckpointError, IoError
 */
export async function openStoredTensors(
  path: string,
  options: OpenOptions & { readonly single?: boolean } = {},
): Promise<StoredTensors> {
  const paths = options.single ? [path] : (await chooseFiles(path)).paths;
  const files = await openAll(paths, options);
  try {
    const { format } = files[0] as ModelFile;
    return { format, files: paths, storedTensors: mergeParts(files), ...openFiles(files) };
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** A Hugging Face directory, of whatever family. */
export interface OpenedHfModel extends HfModel, OpenFiles {
  readonly directory: string;
  readonly files: readonly string[];
  readonly warnings: readonly CheckpointWarning[];
}

/**
 * Opens the model at `path`, a directory or one of its files, if the config.json beside it names a class of models; undefined if it does
 * not, or is not there. No weight is read until a tensor is.
 * @throws CheckpointError, IoError
 */
export async function openHfDirectory(path: string, options: OpenOptions = {}): Promise<OpenedHfModel | undefined> {
  const directory = (await stat(path).catch(() => undefined))?.isDirectory() ? path : dirname(path);
  const configFile = join(directory, "config.json");
  if (!(await isFile(configFile))) return undefined;
  const config = await readObjectAt(configFile);
  if (!namesClass(config)) return undefined;
  const generationFile = join(directory, "generation_config.json");
  const generationConfig = (await isFile(generationFile)) ? await readObjectAt(generationFile) : undefined;
  const chosen = await chooseFiles(path);
  const parts = await openAll(chosen.paths, options);
  try {
    const model = await openHfModel({ configFile, config, generationConfig, parts });
    const warnings = [...chosen.warnings, ...checkIndex(chosen, parts), ...otherEntries(parts)];
    for (const warning of warnings) options.onEvent?.({ kind: "warning", ...warning });
    return { ...model, ...openFiles(parts), directory, files: chosen.paths, warnings };
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
}

async function readObjectAt(path: string): Promise<JsonObject> {
  const source = await openFileSource(path);
  return readJsonObject(source).finally(() => source.close());
}

/** Opens every file, or none. @throws `E_INPUT` if they have different formats. */
async function openAll(paths: readonly string[], options: OpenOptions): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  try {
    for (const path of paths) {
      options.onEvent?.({ kind: "loading-file", path });
      const file = await openModelFile(path, options.openGgml);
      files.push(file);
      assertSameFormat(files[0] as ModelFile, file);
    }
    return files;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

function assertSameFormat(first: ModelFile, file: ModelFile): void {
  if (file.format === first.format) return;
  throw new CheckpointError({
    code: "E_INPUT",
    file: file.file,
    offset: 0,
    field: "model",
    expected: first.format,
    got: file.format,
    message: `a file of another format than ${first.file}`,
  });
}

function openFiles(files: readonly ModelFile[]): OpenFiles {
  return {
    async verify(signal) {
      for (const file of files) await file.verify(signal);
    },
    close: () => closeAll(files),
  };
}

/** Runs `assemble` with the configuration files beside the model open, and closes those. */
async function withConfigFiles(
  directory: string,
  files: readonly ModelFile[],
  assemble: (files: CheckpointFiles) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const { format, header, vocab } = files[0] as ModelFile;
  const opened: FileSource[] = [];
  const open = async (name: string) => {
    if (!(await isFile(join(directory, name)))) return undefined;
    const source = await openFileSource(join(directory, name));
    opened.push(source);
    return source;
  };
  try {
    return await assemble({
      format,
      parts: files,
      ...present("configJson", await open("config.json")),
      ...present("paramsJson", await open("params.json")),
      ...present("addedTokensJson", await open("added_tokens.json")),
      ...present("quantizeConfigJson", await open("quantize_config.json")),
      ...present("generationConfigJson", await open("generation_config.json")),
      ...present("tokenizerConfigJson", await open("tokenizer_config.json")),
      ...present("header", header),
      ...present("vocab", vocab),
    });
  } finally {
    await closeAll(opened);
  }
}

/** Holds the index, if there is one, against the files. A wrong total is no reason to refuse a model. */
function checkIndex(chosen: ChosenFiles, files: readonly ModelFile[]): CheckpointWarning[] {
  const { index } = chosen;
  if (index === undefined) return [];
  assertIndexed(index, files);
  const totalBytes = files
    .flatMap((file) => [...file.tensors.values()])
    .reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (index.totalBytes === undefined || index.totalBytes === totalBytes) return [];
  const message = `${index.file}: total_size is ${index.totalBytes}, the tensors have ${totalBytes} bytes`;
  return [{ code: "total-size", message }];
}

/** Numbers and texts of a training program beside the tensors are no part of a model. */
function otherEntries(files: readonly ModelFile[]): CheckpointWarning[] {
  const names = files.flatMap((file) => file.otherNames);
  if (names.length === 0) return [];
  const message = `entries that are no tensors: ${printable(names.slice(0, 5).join(", "))}`;
  return [{ code: "dropped-tensors", message }];
}

/** Where build 803 looks, whether or not the files there are any good. */
async function findTokenizers(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of [join(directory, "tokenizer.model"), join(directory, "..", "tokenizer.model")]) {
    if (await isFile(path)) found.push(path);
  }
  return found;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
