// What a model file says of itself, whatever its format, without reading a weight.

import { fileTypeLabel } from "@ll/architectures";
import type { ByteSource, TensorSource } from "@ll/bytes";
import { type GgmlFile, HYPER_PARAM_NAMES, openGgml } from "@ll/ggml-format";
import { type GgufFile, type GgufValue, metadataGetter, openGguf } from "@ll/gguf";
import { configFromGgml, configFromGguf, isModelError, type ModelConfig, unreadKeys } from "@ll/llama";
import { containerOf, TRAINED_CONTEXT_TOKENS } from "../../model-container.ts";

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
  /** Names of the fields under the architecture that the programs do not read. */
  readonly unread: readonly string[];
  /** Context that the model was trained for, in tokens. */
  readonly trainedContext: number;
  readonly warnings: readonly string[];
}

/** @throws FormatError of the format's reader; IoError */
export async function readModelFacts(source: ByteSource): Promise<ModelFacts> {
  return (await containerOf(source)) === "gguf"
    ? ggufFacts(await openGguf(source))
    : ggmlFacts(await openGgml(source, { oldBlocks: true }));
}

function ggmlFacts(file: GgmlFile): ModelFacts {
  const { hyperParams, tensors } = file;
  const { nHead, nEmbd, nLayer } = hyperParams;
  const cache = cacheShape(nLayer, file.tensor("layers.0.attention.wk.weight"));
  const fields = HYPER_PARAM_NAMES.map(([wire, name]): readonly [string, string | number] => {
    const value = hyperParams[name];
    return [wire, name === "ftype" ? `${value} (${fileTypeLabel(value)})` : value];
  });
  return {
    name: file.name,
    byteLength: file.byteLength,
    format: file.container.name,
    fields,
    tensors,
    cacheShape: cache,
    config: cache && configOrNone(() => configFromGgml(hyperParams, { nKvHeads: (cache.kvDim * nHead) / nEmbd })),
    source: file,
    unread: [],
    trainedContext: TRAINED_CONTEXT_TOKENS,
    warnings: file.warnings,
  };
}

function ggufFacts(file: GgufFile): ModelFacts {
  const { metadata, tensors } = file;
  const get = metadataGetter(metadata);
  const nLayers = get(`${String(get("general.architecture"))}.block_count`);
  const nFiles = get("split.count");
  const isPart = typeof nFiles === "number" && nFiles > 1;
  const warnings = [...file.warnings];
  if (isPart) warnings.push(`this is one of ${nFiles} files, with a part of the tensors`);
  const ownContext = get(`${String(get("general.architecture"))}.context_length`);
  const unread = unreadKeys(get.keys(), String(get("general.architecture")));
  return {
    name: file.name,
    byteLength: file.byteLength,
    format: `GGUF v${file.version}`,
    fields: Array.from(metadata, ([key, value]): readonly [string, string | number] => [key, plainValue(value)]),
    tensors,
    // a part of a set has a part of the weights
    cacheShape: isPart ? undefined : cacheShape(Number(nLayers ?? 0), file.tensor("blk.0.attn_k.weight")),
    config: isPart ? undefined : configOrNone(() => configFromGguf(get, {}, file.name)),
    source: file,
    unread,
    trainedContext: typeof ownContext === "number" && ownContext > 0 ? ownContext : TRAINED_CONTEXT_TOKENS,
    warnings,
  };
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
function cacheShape(nLayers: number, keys: TensorFacts | undefined): CacheShape | undefined {
  const kvDim = keys?.shape[0];
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
