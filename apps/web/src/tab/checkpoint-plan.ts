// A checkpoint, as it was picked, to a file with its weights as they are: what ll-convert does.

import type { ByteSource } from "@ll/bytes";
import {
  type Checkpoint,
  type FolderOptions,
  type ModelFolder,
  type OpenFiles,
  openFolderCheckpoint,
  openFolderHf,
  readAddedTokens,
  readLlama2cTokenizer,
  readTokenizerFiles,
} from "@ll/checkpoint";
import {
  type ConvertInput,
  convertCheckpoint,
  convertedBytes,
  matchVocabulary,
  modelNameOf,
  planHf,
  sentencePieces,
  usualOutType,
  type Vocabulary,
} from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { ggmlVocab, hfVocabulary, readSentencePieceModel } from "@ll/tokenizer";
import type { ContainerName } from "./jobs.ts";
import { type PlannedFile, plannedConversion } from "./plans.ts";
import { openZip } from "./zip.ts";

/** What a checkpoint is, and the file that it becomes. */
export interface PlannedCheckpoint extends PlannedFile {
  readonly format: string;
  readonly family: string;
  readonly tensors: readonly {
    readonly type: string;
    readonly shape: readonly number[];
    readonly byteLength: number;
  }[];
}

/** Bytes of a vocabulary file, which is read whole. That of LLaMA has 499,723. */
const VOCABULARY_BYTES = 64 * 1024 * 1024;

/** Names of files that hold weights; of one that is alone, what the file of a model is called does not matter. */
const WEIGHTS = /\.(?:pth|pt|bin|safetensors)$/;

/** @throws CheckpointError, ConvertError, FormatError, IoError */
export async function planCheckpoint(folder: ModelFolder, container: ContainerName): Promise<PlannedCheckpoint> {
  const warnings: string[] = [];
  const options: FolderOptions = {
    openZip,
    openGgml: (source) => openGgml(source, { oldBlocks: true }),
    onEvent(event) {
      if (event.kind === "warning") warnings.push(event.message);
    },
  };
  const weights = (await folder.list()).filter((name) => WEIGHTS.test(name) && name !== "tokenizer.bin");
  const file = weights.length === 1 ? weights[0] : undefined;
  const hf = container === "gguf" ? await planHfFolder(folder, file, options, warnings) : undefined;
  return hf ?? planLlama(folder, file, container, options, warnings);
}

/** Undefined for a folder whose config.json names no class of models, or that has none. */
async function planHfFolder(
  folder: ModelFolder,
  file: string | undefined,
  options: FolderOptions,
  warnings: string[],
): Promise<PlannedCheckpoint | undefined> {
  const model = await openFolderHf(folder, file, options);
  if (model === undefined) return undefined;
  const { family, config, tokenIds, ends, architecture } = model;
  const vocabulary = hfVocabulary(await readTokenizerFiles(folder), family.tokenizer, {
    vocabSize: config.has("vocab_size") ? config.count("vocab_size") : undefined,
    ids: tokenIds,
    ends,
  });
  const conversion = planHf({ model, vocabulary, outType: "auto", name: modelNameOf(folder.name) });
  warnings.push(...vocabulary.warnings);
  const planned = plannedConversion(conversion, warnings, (signal) => model.verify(signal), [model]);
  return { ...planned, format: "Hugging Face", family: architecture.name, tensors: model.tensors };
}

async function planLlama(
  folder: ModelFolder,
  file: string | undefined,
  container: ContainerName,
  options: FolderOptions,
  warnings: string[],
): Promise<PlannedCheckpoint> {
  const checkpoint = await openFolderCheckpoint(folder, file, options);
  const input = await conversionOf(checkpoint, folder, container, warnings);
  return {
    byteLength: convertedBytes(input),
    warnings,
    async write(sink, { onEvent, signal }) {
      await convertCheckpoint(input, sink, { onEvent, signal });
      await checkpoint.verify(signal);
    },
    close: () => checkpoint.close(),
    format: FORMATS[checkpoint.format],
    family: "llama",
    tensors: checkpoint.tensors,
  };
}

const FORMATS: Readonly<Record<Checkpoint["format"], string>> = {
  torch: "PyTorch",
  safetensors: "safetensors",
  ggml: "ggml",
  llama2c: "llama2.c",
};

async function conversionOf(
  checkpoint: Checkpoint & OpenFiles,
  folder: ModelFolder,
  containerName: ContainerName,
  warnings: string[],
): Promise<ConvertInput> {
  const container = containerName === "gguf" ? "gguf" : 3;
  const { params, vocab } = checkpoint;
  const matched =
    vocab === undefined
      ? matchVocabulary(await vocabularyOf(folder), params.nVocab, (line) => warnings.push(line))
      : { vocab };
  // quantised weights are read as f32, and two bytes for each hold them
  const outType = usualOutType(checkpoint.weightType, container) ?? "f16";
  return { ...checkpoint, ...matched, outType, container };
}

/** @throws CheckpointError or FormatError of the reader; IoError if no file has it */
async function vocabularyOf(folder: ModelFolder): Promise<Vocabulary> {
  const directory = folder.name;
  const isLlama2c = !(await folder.has("tokenizer.model")) && (await folder.has("tokenizer.bin"));
  const path = isLlama2c ? "tokenizer.bin" : "tokenizer.model";
  const source = await folder.open(path);
  if (isLlama2c) {
    const entries = await readLlama2cTokenizer(source);
    return { entries, nBase: entries.length, path, directory, addedPath: undefined };
  }
  const model = readSentencePieceModel(await wholeBytes(source), path);
  const addedPath = (await folder.has("added_tokens.json")) ? "added_tokens.json" : undefined;
  const added = addedPath === undefined ? undefined : await readAddedTokens(await folder.open(addedPath));
  const entries = ggmlVocab(model, added);
  return {
    entries,
    pieces: sentencePieces(model.pieces, entries),
    addSpacePrefix: model.normalizer.addDummyPrefix,
    nBase: model.pieces.length,
    path,
    directory,
    addedPath,
  };
}

async function wholeBytes(source: ByteSource): Promise<Uint8Array> {
  if (source.byteLength > VOCABULARY_BYTES) throw new RangeError(`${source.name} is too large for a vocabulary`);
  const bytes = new Uint8Array(source.byteLength);
  await source.read(0, bytes);
  return bytes;
}
