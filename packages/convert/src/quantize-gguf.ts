// A GGUF file, or a set of them, to a smaller one: byte for byte what llama.cpp makes of it (ggml 0.20.2, August 2026), but for two of its
// faults: `general.alignment` is obeyed, and layers that move up keep their own weights.

import { fileTypeOf } from "@ll/architectures";
import type { ByteSink, SourceTensor } from "@ll/bytes";
import {
  GgufArray,
  type GgufMetadata,
  type GgufPlan,
  type GgufSet,
  tensorBytes,
  tensorType,
  type WritableValue,
} from "@ll/gguf";
import {
  BLOCK_TYPES,
  blockInfo,
  type GgufModelFacts,
  type GgufPlannedTensor,
  type GgufPlanOptions,
  inGgufOrder,
  planGgufQuantization,
} from "@ll/quant";
import { ConvertError } from "./errors.ts";
import type { ModelTotals, TensorStep } from "./events.ts";
import { type FilePlan, ggufFile } from "./file-plan.ts";
import { writableMetadata } from "./gguf-copy.ts";
import type { Importance, ImportanceEntry } from "./importance.ts";
import { choosePacker, type PackerSeams } from "./packing/choose-packer.ts";
import { PIECE_VALUES } from "./packing/packer.ts";
import { checkedPieces, copyPieces, ggufPackingPieces } from "./pieces.ts";
import type { QuantizeOptions } from "./quantize-model.ts";
import { product } from "./shapes.ts";
import { type TensorWork, writeModel } from "./write-model.ts";

/** What decides the bytes of the new file. */
export interface GgufTarget extends Omit<GgufPlanOptions, "hasImportance"> {
  /** Id of the new file's type, one of `ggufFileTypes` of @ll/quant; undefined to copy all tensors as they are. */
  readonly ftype: number | undefined;
  /** One file for each of a set, and not one for all. */
  readonly keepSplit?: boolean | undefined;
  /** Metadata to be set, in this order, behind what the file has. The mix of types follows it, too. */
  readonly overrides?: ReadonlyMap<string, WritableValue> | undefined;
  /** Numbers of layers to be left out; those behind them move up. */
  readonly pruneLayers?: readonly number[] | undefined;
  readonly importance?: Importance | undefined;
  /** Name of the file of importance, as the metadata of the new file tells it. */
  readonly importanceName?: string | undefined;
}

/** What the new file or files will be. */
export interface GgufQuantization {
  /** In order; one, unless a set is kept. */
  readonly files: readonly { readonly byteLength: number }[];
  /** In file order, over all files. */
  readonly tensors: readonly (Omit<TensorStep, "index" | "total"> & Pick<GgufPlannedTensor, "isFallback">)[];
}

interface PlannedPart {
  readonly file: FilePlan;
  readonly works: readonly TensorWork[];
}

/** The parts of what `planGguf` returned. */
const plannedParts = /* @__PURE__ */ new WeakMap<GgufQuantization, readonly PlannedPart[]>();

/**
 * Plans the quantisation of `file`: the header is read, of tensors only their shapes.
 * @throws QuantizationError of @ll/quant if a tensor or the file type is refused; ConvertError `E_SHAPE` for importance of another size,
 *   `E_LIMIT` for what no file can hold, `E_LAYER`; GgufFormatError, IoError
 */
export async function planGguf(file: GgufSet, target: GgufTarget): Promise<GgufQuantization> {
  const { importance, keepSplit = false, overrides = new Map<string, WritableValue>() } = target;
  const isSplit = keepSplit && file.files.length > 1;
  const facts = modelFacts(file.metadata, overrides);
  const kept = isSplit ? file.files.flatMap(({ tensors }) => tensors) : file.tensors;
  const named = prunedTensors(kept, target.pruneLayers ?? [], facts.nLayers);
  const ordered = isSplit ? named : inGgufOrder(named);
  const oldNames = new Map(ordered.map(({ name, tensor }) => [name, tensor.name]));
  const entryOf = (name: string) => importance?.entries.get(oldNames.get(name) ?? name);
  const planned = planGgufQuantization(
    ordered.map(({ name, tensor: { shape, type } }) => ({ name, shape, type })),
    facts,
    target.ftype,
    {
      ...target,
      hasImportance:
        importance !== undefined && importance.entries.size > 0 ? (name) => entryOf(name) !== undefined : undefined,
    },
  );
  const works = planned.map((one, index) => {
    const { tensor } = ordered[index] as NamedTensor;
    return tensorWork(one, tensor, one.isCopied ? undefined : entryOf(one.name), file.name);
  });
  const metadata = await newMetadata(file, target, facts, works);
  const parts = isSplit ? splitParts(file, works, ordered, metadata) : [{ metadata, works }];
  const plans = parts.map(({ metadata, works }) => ({ works, file: ggufFile(filePlan(metadata, works)) }));
  const quantization: GgufQuantization = {
    files: plans.map(({ file: { byteLength } }) => ({ byteLength })),
    tensors: works.map(({ pieces, ...step }, index) => ({
      ...step,
      isFallback: (planned[index] as GgufPlannedTensor).isFallback,
    })),
  };
  plannedParts.set(quantization, plans);
  return quantization;
}

/**
 * Writes what `planGguf` planned, each file to its sink, in pieces of about a MiB. The caller commits or closes the sinks.
 * @throws ConvertError `E_NUMBER` for NaN, infinite weights and those beyond the scales of their new type; RangeError for a number of threads
 *   that is none, or another number of sinks than of files; WorkerError; IoError if reading or a sink fails; the signal's reason
 */
export async function quantizeGguf(
  plan: GgufQuantization,
  sinks: readonly ByteSink[],
  options: Omit<QuantizeOptions, "ftype"> = {},
): Promise<ModelTotals> {
  return quantizeGgufWith(plan, sinks, options);
}

/** `quantizeGguf` with other workers, or with workers for small models as well, for tests. */
export async function quantizeGgufWith(
  plan: GgufQuantization,
  sinks: readonly ByteSink[],
  options: Omit<QuantizeOptions, "ftype">,
  seams: PackerSeams = {},
): Promise<ModelTotals> {
  const parts = plannedParts.get(plan);
  if (parts === undefined) throw new TypeError('"plan" expected what planGguf returned');
  if (sinks.length !== parts.length) {
    throw new RangeError(`"sinks" expected ${parts.length}, one for each file, got ${sinks.length}`);
  }
  options.signal?.throwIfAborted();
  const packer = await choosePacker(plan.tensors, { ...options, isGguf: true }, seams);
  try {
    const outputs = parts.map((part, index) => ({ ...part, sink: sinks[index] as ByteSink }));
    return await writeModel(outputs, packer, options, () => true);
  } finally {
    await packer.dispose();
  }
}

function modelFacts(metadata: GgufMetadata, overrides: ReadonlyMap<string, WritableValue>): GgufModelFacts {
  const get = (key: string): unknown => {
    const override = overrides.get(key);
    const value = override ?? metadata.get(key);
    return value instanceof GgufArray
      ? value.items?.[0]
      : value !== undefined && "value" in value
        ? value.value
        : undefined;
  };
  const architecture = String(get("general.architecture") ?? "");
  /** One number for all layers, or that of the first one. */
  const number = (key: string): number | undefined => {
    const value = get(`${architecture}.${key}`);
    return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
  };
  const nHeads = number("attention.head_count") ?? 0;
  return {
    architecture,
    nLayers: number("block_count") ?? 0,
    nHeads,
    nKvHeads: number("attention.head_count_kv") ?? nHeads,
    nExperts: number("expert_count") ?? 0,
  };
}

/** A tensor and its name in the new file. */
interface NamedTensor {
  readonly name: string;
  readonly tensor: SourceTensor;
}

function prunedTensors(
  tensors: readonly SourceTensor[],
  pruned: readonly number[],
  nLayers: number,
): readonly NamedTensor[] {
  const isPruned = new Set(pruned);
  const outside = pruned.find((layer) => !Number.isSafeInteger(layer) || layer < 0 || layer >= nLayers);
  if (outside !== undefined || isPruned.size >= Math.max(1, nLayers)) {
    throw new ConvertError({
      code: "E_LAYER",
      field: "pruneLayers",
      expected: `some of the layers 0 to ${nLayers - 1}`,
      got: pruned.join(),
      message: `a model of ${nLayers} layers cannot lose the layers ${pruned.join()}`,
    });
  }
  return tensors.flatMap((tensor) => {
    const [, digits, rest] = /^blk\.(\d+)(\..*)$/.exec(tensor.name) ?? [];
    if (digits === undefined) return [{ name: tensor.name, tensor }];
    const layer = Number(digits);
    if (isPruned.has(layer)) return [];
    const nBefore = [...isPruned].filter((one) => one < layer).length;
    return [{ name: nBefore === 0 ? tensor.name : `blk.${layer - nBefore}${rest}`, tensor }];
  });
}

function tensorWork(
  { name, shape, type, targetType, isCopied }: GgufPlannedTensor,
  tensor: SourceTensor,
  entry: ImportanceEntry | undefined,
  file: string,
): TensorWork {
  const columns = shape.at(-1) ?? 1;
  const nMatrices = product(shape.slice(0, -2));
  let importance = entry;
  if (entry !== undefined && entry.length !== columns * nMatrices) {
    // embeddings are looked up, not multiplied: what was measured for them is of no use
    if (tensor.name !== "token_embd.weight" && tensor.name !== "per_layer_token_embd.weight") {
      throw new ConvertError({
        code: "E_SHAPE",
        file,
        field: tensor.name,
        expected: columns * nMatrices,
        got: entry.length,
        message: `imatrix size ${entry.length} is different from tensor size ${columns * nMatrices} for ${tensor.name}`,
      });
    }
    importance = undefined;
  }
  if (importance !== undefined && columns > PIECE_VALUES) {
    throw new ConvertError({
      code: "E_LIMIT",
      file,
      field: tensor.name,
      expected: `at most ${PIECE_VALUES} values in a row`,
      got: columns,
      message: `rows of '${tensor.name}' are too long to be weighed by importance`,
    });
  }
  const isChecked = BLOCK_TYPES.includes(type) && blockInfo(type).isWeightType;
  return {
    name,
    shape,
    fromType: type,
    toType: targetType,
    isCopied,
    bytesIn: tensor.byteLength,
    bytesOut: tensorBytes(tensorType(targetType), shape),
    pieces() {
      if (!isCopied) return ggufPackingPieces(tensor, targetType, importance);
      return isChecked ? checkedPieces(tensor) : copyPieces(tensor);
    },
  };
}

/** Keys that the new file gets anew, or not at all. */
const OWN_KEYS: readonly string[] = [
  "general.quantization_version",
  "general.file_type",
  "split.no",
  "split.count",
  "split.tensors.count",
];
const QUANTIZATION_VERSION = 2;
/** Added to a file type that was guessed. */
const GUESSED = 1024;
/** Most bytes of a text about the importance. */
const MAX_TEXT_BYTES = 127;

async function newMetadata(
  file: GgufSet,
  { ftype, overrides, pruneLayers = [], importance, importanceName = "" }: GgufTarget,
  { architecture, nLayers }: GgufModelFacts,
  works: readonly TensorWork[],
): Promise<Map<string, WritableValue>> {
  const metadata = await writableMetadata(file.metadata);
  const set = (key: string, value: WritableValue): void => {
    metadata.delete(key); // so that it moves to the end
    metadata.set(key, value);
  };
  const u32 = (value: number): WritableValue => ({ type: "u32", value });
  const text = (value: string): WritableValue => ({
    type: "string",
    value: new TextEncoder().encode(value).subarray(0, MAX_TEXT_BYTES),
  });
  for (const key of OWN_KEYS) metadata.delete(key);
  set("general.quantization_version", u32(QUANTIZATION_VERSION));
  set("general.file_type", u32(ftype ?? storedFileType(file, works)));
  for (const [key, value] of overrides ?? []) set(key, value);
  if (importance !== undefined && importance.entries.size > 0) {
    set("quantize.imatrix.file", text(importanceName));
    const [dataset] = importance.datasets;
    if (dataset !== undefined) set("quantize.imatrix.dataset", text(dataset));
    set("quantize.imatrix.entries_count", u32(importance.entries.size));
    if (importance.nChunks > 0) set("quantize.imatrix.chunks_count", u32(importance.nChunks));
  }
  if (pruneLayers.length > 0) set(`${architecture}.block_count`, u32(nLayers - new Set(pruneLayers).size));
  return metadata;
}

/** The file type of a file that is copied. */
function storedFileType(file: GgufSet, works: readonly TensorWork[]): number {
  const stored = file.metadata.get("general.file_type");
  if (stored?.type === "u32") return stored.value;
  const counts = new Map<string, number>();
  for (const { toType } of works) counts.set(toType, (counts.get(toType) ?? 0) + 1);
  const [most = "f32"] = [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  return GUESSED + (fileTypeOf(most) ?? 0);
}

function splitParts(
  file: GgufSet,
  works: readonly TensorWork[],
  ordered: readonly NamedTensor[],
  metadata: ReadonlyMap<string, WritableValue>,
): { metadata: ReadonlyMap<string, WritableValue>; works: TensorWork[] }[] {
  return file.files.map(({ tensors }, number) => {
    const own = new Set<SourceTensor>(tensors);
    const split: [string, WritableValue][] = [
      ["split.no", { type: "u16", value: number }],
      ["split.count", { type: "u16", value: file.files.length }],
      ["split.tensors.count", { type: "i32", value: works.length }],
    ];
    return {
      metadata: new Map([...(number === 0 ? metadata : []), ...split]),
      works: works.filter((_, index) => own.has((ordered[index] as NamedTensor).tensor)),
    };
  });
}

function filePlan(metadata: ReadonlyMap<string, WritableValue>, works: readonly TensorWork[]): GgufPlan {
  return {
    metadata,
    tensors: works.map(({ name, shape, toType }) => ({ name, shape: withoutLeadingOnes(shape), type: toType })),
  };
}

/** Sizes of 1 before all others say nothing; a tensor has at least one dimension. */
function withoutLeadingOnes(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((size) => size !== 1);
  return first < 0 ? [1] : shape.slice(first);
}
