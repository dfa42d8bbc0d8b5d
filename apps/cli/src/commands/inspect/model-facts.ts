// What a model file says of itself, whatever its format, without reading a weight.

import { fileTypeLabel } from "@ll/architectures";
import type { ByteSource, FormatError, TensorSource } from "@ll/bytes";
import { type GgmlFile, HYPER_PARAM_NAMES } from "@ll/ggml-format";
import { type GgufMetadata, type GgufValue, metadataGetter } from "@ll/gguf";
import { isModelError, type ModelConfig, unreadKeys } from "@ll/llama";
import {
  type ChatTemplates,
  type ModelFile,
  type OpenModelFileOptions,
  openModelFile,
  unreadTokenizerKeys,
  type VocabularyFacts,
} from "@ll/model";

export interface TensorFacts {
  readonly name: string;
  readonly type: string;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** First byte of the data, from the start of the file. */
  readonly dataOffset: number;
}

/** What the size of a KV cache depends on. */
export interface CacheShape {
  readonly nLayers: number;
  /** Channels of one position's key, and of its value. */
  readonly kvDim: number;
}

export interface ModelFacts {
  readonly name: string;
  readonly byteLength: number;
  /** Container with its version. */
  readonly format: string;
  /** "unknown" if the file does not say. */
  readonly family: string;
  readonly vocabulary: VocabularyFacts;
  readonly templates: ChatTemplates;
  /** What most matrices are stored as, in the words of llama.cpp; undefined if the file does not say. */
  readonly fileType: string | undefined;
  /** Why the programs do not run it, as one sentence. */
  readonly whyNotRun: string | undefined;
  /** What is wrong with the tensors of a file that can be looked at. */
  readonly damage: FormatError | undefined;
  /** Hyper-parameters, or metadata, by the names of the format. */
  readonly fields: readonly (readonly [name: string, value: string | number])[];
  /** In file order; empty in a vocabulary-only file. */
  readonly tensors: readonly TensorFacts[];
  /** Undefined without the tensors that tell it. */
  readonly cacheShape: CacheShape | undefined;
  /** What tells how the model is computed; undefined for one that the programs do not run. */
  readonly config: ModelConfig | undefined;
  /** The weights, for whoever reads them. */
  readonly source: TensorSource;
  /** Names of the fields about the model and its tokenizer that the programs do not read. */
  readonly unread: readonly string[];
  /** Context that the model was trained for, in tokens. */
  readonly trainedContext: number;
  readonly warnings: readonly string[];
}

/** For files that are looked at, not run. */
export const TO_LOOK: OpenModelFileOptions = { oldBlocks: true, damaged: true };

/** @throws FormatError of the format's reader; IoError */
export async function readModelFacts(source: ByteSource): Promise<ModelFacts> {
  return factsOf(await openModelFile(source, TO_LOOK));
}

export function factsOf(file: ModelFile): ModelFacts {
  const { ggml, gguf, tensors, nStoredKvHeads } = file;
  const get = gguf && metadataGetter(gguf.metadata);
  const firstKeys = file.source.tensor(gguf ? "blk.0.attn_k.weight" : "layers.0.attention.wk.weight");
  const nLayers = ggml?.hyperParams.nLayer ?? Number(get?.(`${file.architecture}.block_count`) ?? 0);
  const isPart = gguf !== undefined && Number(get?.("split.count") ?? 1) > gguf.files.length;
  return {
    name: file.name,
    byteLength: file.byteLength,
    format: file.containerName,
    family: file.architecture,
    vocabulary: file.vocabulary,
    templates: file.templates,
    fileType: fileTypeOf(ggml?.hyperParams.ftype ?? get?.("general.file_type")),
    whyNotRun: file.whyNotRun(),
    damage: file.damage,
    fields: gguf === undefined ? hyperParamFields(ggml as GgmlFile) : metadataFields(gguf.metadata),
    tensors,
    // a part of a set has a part of the weights
    cacheShape: isPart ? undefined : cacheShape(nLayers, firstKeys?.shape),
    config: isPart || (ggml && nStoredKvHeads === undefined) ? undefined : configOrNone(file.config),
    source: file.source,
    unread: get === undefined ? [] : [...unreadKeys(get.keys(), file.architecture), ...unreadTokenizerKeys(get.keys())],
    trainedContext: file.trainedContextTokens,
    warnings: file.warnings,
  };
}

function fileTypeOf(id: unknown): string | undefined {
  return typeof id === "number" ? fileTypeLabel(id) : undefined;
}

function hyperParamFields({ hyperParams }: GgmlFile): ModelFacts["fields"] {
  return HYPER_PARAM_NAMES.map(([wire, name]) => {
    const value = hyperParams[name];
    return [wire, name === "ftype" ? `${value} (${fileTypeLabel(value)})` : value];
  });
}

function metadataFields(metadata: GgufMetadata): ModelFacts["fields"] {
  return Array.from(metadata, ([key, value]): readonly [string, string | number] => [key, plainValue(value)]);
}

/** Undefined for a model that the engine refuses: a file may be looked at that cannot be run. */
function configOrNone(read: () => ModelConfig): ModelConfig | undefined {
  try {
    return read();
  } catch (error) {
    if (isModelError(error)) return undefined;
    throw error;
  }
}

/** With grouped queries the key matrix has fewer rows than columns, which ggml files have no field for. */
function cacheShape(nLayers: number, keys: readonly number[] | undefined): CacheShape | undefined {
  const kvDim = keys?.[0];
  return kvDim === undefined ? undefined : { nLayers, kvDim };
}

/** Numbers up to 2^53 and texts as they are; anything else in words. */
function plainValue(value: GgufValue): string | number {
  if (value.type === "array") return `${value.length} × ${value.itemType}`;
  const plain = value.value;
  if (typeof plain !== "number" || !Number.isFinite(plain)) return String(plain);
  return value.type === "f32" ? shortest(plain) : plain;
}

/** The number with the fewest digits that is the same one in binary32: 0.00001 rather than 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
