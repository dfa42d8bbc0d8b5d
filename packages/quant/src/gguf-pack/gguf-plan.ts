// Decides what becomes of each tensor of a GGUF file when it is quantised, as llama.cpp does it today.
// Facts: llama.cpp (ggml 0.20.2, August 2026), llama-quant.cpp.

import { FILE_TYPES, type FileType, fileType } from "@ll/architectures";
import { blockInfo } from "../block-types.ts";
import { QuantizationError } from "../errors.ts";
import type { PlannedTensor, PlanTensor } from "../quantization-plan.ts";
import { createMixer, EMBEDDINGS, type GgufModelFacts, HEAD, layerOf, roleOf } from "./gguf-mixes.ts";
import { canPackGguf } from "./gguf-rows.ts";

/** Gives the tensors in whose names `pattern` is found the type `type`. */
export interface TensorTypeRule {
  readonly pattern: RegExp;
  readonly type: string;
}

export interface GgufPlanOptions {
  /** Accept tensors that are quantised already; they lose quality twice. */
  readonly allowRequantize?: boolean | undefined;
  /** Copy `output.weight` as it is. */
  readonly leaveOutputTensor?: boolean | undefined;
  /** One type for all tensors, but for those that the options below name. */
  readonly pure?: boolean | undefined;
  /** Type of `output.weight`, or of the embedding where that is the output matrix as well. */
  readonly outputTensorType?: string | undefined;
  /** Type of the token embeddings. */
  readonly tokenEmbeddingType?: string | undefined;
  /** The first rule that matches counts. */
  readonly tensorTypes?: readonly TensorTypeRule[] | undefined;
  /** Whether there is importance for a tensor; absent if there is none for any. */
  readonly hasImportance?: ((tensor: string) => boolean) | undefined;
  /** Plan without importance what cannot be made without it. */
  readonly isDryRun?: boolean | undefined;
}

export interface GgufPlannedTensor extends PlannedTensor {
  /** True if its rows do not fill the blocks of the type that it should have. */
  readonly isFallback: boolean;
}

/** The kinds of file that `planGgufQuantization` plans. */
export function ggufFileTypes(): readonly FileType[] {
  return FILE_TYPES.filter(({ name, tensorType }) => name !== "Q4_1_SOME_F16" && canPackGguf(tensorType));
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** The tensors in the order of a new file: those of no layer, then layer by layer, by the bytes of their names. */
export function inGgufOrder<T extends { readonly name: string }>(tensors: readonly T[]): T[] {
  return tensors
    .map((tensor) => ({ tensor, layer: layerOf(tensor.name) ?? -1, bytes: encoder.encode(tensor.name) }))
    .sort((a, b) => a.layer - b.layer || compareBytes(a.bytes, b.bytes))
    .map(({ tensor }) => tensor);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}

/** Matrices that llama.cpp never quantises, by parts of their names. */
const KEPT_PARTS: readonly string[] = [
  "_norm.weight",
  "ffn_gate_inp.weight",
  "ffn_gate_tid2eid.weight",
  "altup",
  "laurel",
  "per_layer_model_proj",
  "ssm_conv1d",
  "shortconv.conv.weight",
  "indexer.k_proj.weight",
  "indexer.q_proj.weight",
  "attn_rel_b.weight",
  ...[
    "first",
    "w0",
    "w1",
    "w2",
    "v0",
    "v1",
    "v2",
    "a0",
    "a1",
    "a2",
    "g1",
    "g2",
    "decay_w1",
    "decay_w2",
    "lerp_fused",
  ].map((part) => `time_mix_${part}.weight`),
  ".position_embd",
  "sam.pos_embd",
  "sam.neck.",
  "sam.net_",
  ".rel_pos",
  ".patch_embd",
  ".patch_merger",
  "a.rvq.codebook",
  "mm.a.code_embd",
];
const KEPT_NAMES: ReadonlySet<string> = /* @__PURE__ */ new Set(["position_embd.weight", "token_types.weight"]);

function isQuantizable({ name, shape }: PlanTensor): boolean {
  return (
    shape.slice(0, -1).some((size) => size > 1) &&
    name.endsWith("weight") &&
    !KEPT_NAMES.has(name) &&
    !KEPT_PARTS.some((part) => name.includes(part))
  );
}

/** Types for rows that are no whole number of blocks; where they do not fit either, f16. */
const FALLBACKS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["iq4_xs", "iq4_nl"],
  ["q2_K", "q4_0"],
  ["q3_K", "q4_0"],
  ["tq1_0", "q4_0"],
  ["tq2_0", "q4_0"],
  ["q2_0", "q4_0"],
  ["q4_K", "q5_0"],
  ["q5_K", "q5_1"],
  ["q6_K", "q8_0"],
]);

/**
 * Plans a whole file: the type of every tensor. Nothing is read or written.
 *
 * @param tensors in the order of the new file (`inGgufOrder`): some types depend on how many of a kind came before
 * @param ftype id of the file type, one of `ggufFileTypes`; undefined to copy all tensors
 * @throws QuantizationError `E_INPUT` unknown file type, `E_TENSOR_SIZE` rows that are no whole number of blocks, `E_REQUANTIZE` quantised
 *   already, `E_DTYPE` a type without meaning, `E_IMPORTANCE` a type that needs importance, `E_LAYER` an expert of no layer
 */
export function planGgufQuantization(
  tensors: readonly PlanTensor[],
  model: GgufModelFacts,
  ftype: number | undefined,
  options: GgufPlanOptions = {},
): GgufPlannedTensor[] {
  if (ftype === undefined) {
    return tensors.map((tensor) => ({ ...tensor, targetType: tensor.type, isCopied: true, isFallback: false }));
  }
  const file = requireFileType(ftype);
  const mixedType = createMixer(tensors, model, file, options);

  return tensors.map((tensor) => {
    const { name, shape, type } = tensor;
    const isLeft = name === HEAD && options.leaveOutputTensor === true;
    if (!isQuantizable(tensor) || isLeft) return { ...tensor, targetType: type, isCopied: true, isFallback: false };

    const columns = shape.at(-1) as number;
    const role = roleOf(name);
    const named =
      role === "embedding" ? options.tokenEmbeddingType : role === "head" ? options.outputTensorType : undefined;
    let targetType = named ?? file.tensorType;
    let isFallback = false;
    if (named !== undefined) assertWholeBlocks(name, columns, named);
    else if (blockInfo(file.tensorType).isQuantized) {
      const rule = options.tensorTypes?.find(({ pattern }) => pattern.test(name));
      const wanted = rule?.type ?? (options.pure === true ? file.tensorType : mixedType(tensor, role));
      targetType = fittingType(name, columns, wanted);
      isFallback = targetType !== wanted;
    }

    const isCopied = targetType === type;
    if (!isCopied) assertReadable(tensor, options.allowRequantize === true);
    if (needsImportance(name, targetType, file) && options.isDryRun !== true) {
      assertImportance(name, options.hasImportance);
    }
    return { ...tensor, targetType, isCopied, isFallback };
  });
}

function requireFileType(ftype: number): FileType {
  const found = fileType(ftype);
  if (found !== undefined && ggufFileTypes().includes(found)) return found;
  throw new QuantizationError({
    code: "E_INPUT",
    toolText: `invalid output file type ${ftype}\n`,
    expected: `one of ${ggufFileTypes()
      .map(({ id }) => id)
      .join(" ")}`,
    got: ftype,
  });
}

function fittingType(tensor: string, columns: number, wanted: string): string {
  if (columns % blockInfo(wanted).blockValues === 0) return wanted;
  const fallback = FALLBACKS.get(wanted);
  if (fallback !== undefined) return columns % blockInfo(fallback).blockValues === 0 ? fallback : "f16";
  throw new QuantizationError({
    code: "E_TENSOR_SIZE",
    tensor,
    toolText: `no tensor type fallback is defined for type ${wanted}`,
    expected: `rows of a multiple of ${blockInfo(wanted).blockValues} values`,
    got: columns,
  });
}

function assertWholeBlocks(tensor: string, columns: number, type: string): void {
  const { blockValues } = blockInfo(type);
  if (columns % blockValues === 0) return;
  throw new QuantizationError({
    code: "E_TENSOR_SIZE",
    tensor,
    toolText: `rows of ${columns} values of '${tensor}' do not fill ${type} blocks of ${blockValues}`,
    expected: `a multiple of ${blockValues}`,
    got: columns,
  });
}

/** Types of whose blocks no value can be told: integers, and those that only activations use. */
function assertReadable({ name, type }: PlanTensor, allowRequantize: boolean): void {
  const isKnown = isBlockType(type);
  if (isKnown && (allowRequantize || !blockInfo(type).isQuantized)) return;
  throw new QuantizationError({
    code: isKnown ? "E_REQUANTIZE" : "E_DTYPE",
    tensor: name,
    toolText: isKnown
      ? `requantizing from type ${type} is disabled`
      : `tensor '${name}' of type ${type} cannot be quantized`,
    expected: "bf16, f16 or f32",
    got: type,
  });
}

function isBlockType(type: string): boolean {
  try {
    return blockInfo(type).isWeightType;
  } catch {
    return false; // a RangeError: there is no such type
  }
}

/** llama.cpp makes a Q2_K_S file only with importance; its embedding and output matrices need none. */
function needsImportance(name: string, targetType: string, file: FileType): boolean {
  return file.name === "Q2_K_S" && targetType === "q2_K" && name !== HEAD && !EMBEDDINGS.includes(name);
}

function assertImportance(tensor: string, hasImportance: GgufPlanOptions["hasImportance"]): void {
  if (hasImportance?.(tensor) === true) return;
  throw new QuantizationError({
    code: "E_IMPORTANCE",
    tensor,
    toolText:
      hasImportance === undefined
        ? "this quantization requires an imatrix!"
        : `Missing importance matrix for tensor ${tensor} in a very low-bit quantization`,
    expected: "importance",
    got: "none",
  });
}
