// A model in a folder: its files found, opened and put together.

import { type AbortSignal, closeAll, printable, type SourceTensor } from "@ll/bytes";
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
import { type FileOpeners, type ModelFile, openModelFile } from "./model-file.ts";
import type { FolderFile, ModelFolder } from "./model-folder.ts";
import { assertIndexed } from "./shard-index.ts";
import { mergeParts } from "./shards.ts";

/** What is told while a model is opened. */
export type CheckpointEvent =
  | { readonly kind: "loading-file"; readonly path: string }
  | ({ readonly kind: "warning" } & CheckpointWarning);

/** Without `openGgml`, ggml files are no input. */
export interface FolderOptions extends FileOpeners {
  readonly onEvent?: ((event: CheckpointEvent) => void) | undefined;
}

/** What an opened model has beside its tensors. */
export interface OpenFiles {
  /**
   * Makes sure that the files are what they seemed to be: reads what has a checksum and was not read from start to end.
   * Call it before what was made of the tensors is put in place.
   * @throws CheckpointError `E_CRC`; IoError `E_CHANGED` if a file is not the one that was opened.
   */
  verify(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The tensors of one or more files as they are stored, whatever model they belong to. */
export interface StoredTensors extends OpenFiles {
  readonly format: CheckpointFormat;
  readonly files: readonly string[];
  readonly storedTensors: ReadonlyMap<string, SourceTensor>;
}

/**
 * Opens the model in a folder, or the one that `file` is a part of, by the rules of convert.py of llama.cpp build 803. No weight is
 * read until a tensor is; nothing that is read is kept.
 * @throws CheckpointError, IoError
 */
export async function openFolderCheckpoint(
  folder: ModelFolder,
  file: string | undefined,
  options: FolderOptions,
): Promise<Checkpoint & OpenFiles> {
  const chosen = await chooseFiles(folder, file);
  const files = await openAll(folder, chosen.names, options);
  try {
    const checkpoint = await withConfigFiles(folder, files, assembleCheckpoint);
    const extra = [...chosen.warnings, ...checkIndex(chosen, files), ...otherEntries(files)];
    const warnings = [...extra, ...checkpoint.warnings];
    for (const warning of warnings) options.onEvent?.({ kind: "warning", ...warning });
    return { ...checkpoint, ...openFiles(files), warnings };
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/**
 * Opens the tensors in a folder, or of the model that `file` is a part of, without asking what model it is; with `single`, those of
 * that one file only.
 * @throws CheckpointError, IoError
 */
export async function openFolderTensors(
  folder: ModelFolder,
  file: string | undefined,
  options: FolderOptions & { readonly single?: boolean | undefined },
): Promise<StoredTensors> {
  const isOne = options.single === true && file !== undefined;
  const names = isOne ? [file] : (await chooseFiles(folder, file)).names;
  const files = await openAll(folder, names, options);
  try {
    const { format } = files[0] as ModelFile;
    return { format, files: files.map((one) => one.file), storedTensors: mergeParts(files), ...openFiles(files) };
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** A Hugging Face directory, of whatever family. */
export interface FolderHfModel extends HfModel, OpenFiles {
  readonly files: readonly string[];
  readonly warnings: readonly CheckpointWarning[];
}

/**
 * Opens the model in a folder, or the one that `file` is a part of, if the config.json in it names a class of models; undefined if it
 * does not, or is not there. No weight is read until a tensor is.
 * @throws CheckpointError, IoError
 */
export async function openFolderHf(
  folder: ModelFolder,
  file: string | undefined,
  options: FolderOptions,
): Promise<FolderHfModel | undefined> {
  const config = await readObject(folder, "config.json");
  if (config === undefined || !namesClass(config)) return undefined;
  const configFile = folder.pathOf("config.json");
  const generationConfig = await readObject(folder, "generation_config.json");
  const chosen = await chooseFiles(folder, file);
  const parts = await openAll(folder, chosen.names, options);
  try {
    const model = await openHfModel({ configFile, config, generationConfig, parts });
    const warnings = [...chosen.warnings, ...checkIndex(chosen, parts), ...otherEntries(parts)];
    for (const warning of warnings) options.onEvent?.({ kind: "warning", ...warning });
    return { ...model, ...openFiles(parts), files: parts.map((one) => one.file), warnings };
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
}

async function readObject(folder: ModelFolder, name: string): Promise<JsonObject | undefined> {
  if (!(await folder.has(name))) return undefined;
  const source = await folder.open(name);
  return readJsonObject(source).finally(() => source.close());
}

/** Opens every file, or none. @throws `E_INPUT` if they have different formats. */
async function openAll(folder: ModelFolder, names: readonly string[], options: FolderOptions): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  try {
    for (const name of names) {
      options.onEvent?.({ kind: "loading-file", path: folder.pathOf(name) });
      const file = await openModelFile(await folder.open(name), options);
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
  folder: ModelFolder,
  files: readonly ModelFile[],
  assemble: (files: CheckpointFiles) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const { format, header, vocab } = files[0] as ModelFile;
  const opened: FolderFile[] = [];
  const open = async (name: string): Promise<FolderFile | undefined> => {
    if (!(await folder.has(name))) return undefined;
    const source = await folder.open(name);
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
