// Which matrices of a GGUF file get another type than most, by what they are for and where they stand, as llama.cpp chooses today.
// Facts: llama.cpp (ggml 0.20.2, August 2026), llama-quant.cpp.

import { ARCHITECTURES, type FileType } from "@ll/architectures";
import { blockInfo } from "../block-types.ts";
import { QuantizationError } from "../errors.ts";
import { type PlanTensor, usesMoreBits } from "../quantization-plan.ts";

/** What the plan must know of a model; what its file does not say is 0. */
export interface GgufModelFacts {
  /** `general.architecture`. */
  readonly architecture: string;
  readonly nLayers: number;
  /** Query heads, and key and value heads, of the first layer. */
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly nExperts: number;
}

/** What changes the choice. */
interface MixOptions {
  readonly outputTensorType?: string | undefined;
  readonly hasImportance?: ((tensor: string) => boolean) | undefined;
}

/** 7 for `blk.7.attn_q.weight`; undefined outside of layers. */
export function layerOf(name: string): number | undefined {
  const digits = /^blk\.(\d+)\./.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What a matrix is for. "v" multiplies values, alone or with queries and keys; "o" is the output of the attention. */
export type Role = "head" | "embedding" | "v" | "k" | "q" | "o" | "up" | "gate" | "down" | "other";

export const HEAD = "output.weight";
export const EMBEDDINGS: readonly string[] = ["token_embd.weight", "per_layer_token_embd.weight"];

/** The first part that a name contains counts. */
const ROLE_PARTS: readonly (readonly [part: string, role: Role])[] = [
  ["attn_qkv.weight", "v"],
  ["attn_kv_b.weight", "v"],
  ["attn_v.weight", "v"],
  ["attn_k.weight", "k"],
  ["attn_q.weight", "q"],
  ["attn_output.weight", "o"],
  ["ffn_up", "up"],
  ["ffn_gate", "gate"],
  ["ffn_down", "down"],
];

export function roleOf(name: string): Role {
  if (name === HEAD) return "head";
  if (EMBEDDINGS.includes(name)) return "embedding";
  return ROLE_PARTS.find(([part]) => name.includes(part))?.[1] ?? "other";
}

/** Where a matrix stands among those of its role, and what else a mix asks for. */
interface Place {
  readonly index: number;
  readonly total: number;
  /** Query heads that share a key head. */
  readonly sharing: number;
  readonly hasImportance: boolean;
}

/** A type; undefined for that of the file. */
type Choice = (place: Place) => string | undefined;

/** The matrices that get another type than most of a file. */
interface Mix {
  readonly v?: Choice;
  readonly down?: Choice;
  readonly o?: Choice;
  /** In models of eight experts. */
  readonly oOfEight?: Choice;
}

const all = (type: string): Choice => {
  return () => type;
};
const first = (count: number, type: string, others?: string): Choice => {
  return ({ index }) => (index < count ? type : others);
};
/** The first of `parts` parts of the layers. */
const firstPart = (parts: number, type: string, others?: string): Choice => {
  return ({ index, total }) => (index < Math.floor(total / parts) ? type : others);
};
const someLayers = (type: string): Choice => {
  return ({ index, total }) => (usesMoreBits(index, total) ? type : undefined);
};
/** Where at least four query heads share a key head, so that the matrix is small. */
const whereShared = (type: string, others?: string): Choice => {
  return ({ sharing }) => (sharing >= 4 ? type : others);
};
const withImportance = (choice: Choice): Choice => {
  return (place) => (place.hasImportance ? choice(place) : undefined);
};
const withoutImportance = (choice: Choice): Choice => {
  return (place) => (place.hasImportance ? undefined : choice(place));
};

const IQ4_MIX: Mix = {
  v: whereShared("q5_K"),
  down: withoutImportance(firstPart(8, "q5_K")),
  oOfEight: all("q5_K"),
};

/** By name of the file type; the others have no mix. */
const MIXES: ReadonlyMap<string, Mix> = /* @__PURE__ */ new Map<string, Mix>([
  ["Q4_0", { down: withImportance(firstPart(8, "q4_1")) }],
  ["Q5_0", { down: withImportance(firstPart(8, "q5_1")) }],
  ["Q2_K", { v: whereShared("q4_K", "q3_K"), down: all("q3_K"), o: all("q3_K"), oOfEight: all("q5_K") }],
  ["Q2_K_S", { v: whereShared("q4_K"), down: firstPart(8, "q4_K") }],
  ["Q3_K_S", { oOfEight: all("q5_K") }],
  [
    "Q3_K_M",
    { v: first(2, "q5_K", "q4_K"), down: firstPart(16, "q5_K", "q4_K"), o: all("q4_K"), oOfEight: all("q5_K") },
  ],
  ["Q3_K_L", { v: all("q5_K"), down: all("q5_K"), o: all("q5_K") }],
  ["Q4_K_S", { v: first(4, "q5_K"), down: firstPart(8, "q5_K"), oOfEight: all("q5_K") }],
  ["Q4_K_M", { v: someLayers("q6_K"), down: someLayers("q6_K"), oOfEight: all("q5_K") }],
  ["Q5_K_M", { v: someLayers("q6_K"), down: someLayers("q6_K") }],
  ["IQ4_NL", IQ4_MIX],
  ["IQ4_XS", IQ4_MIX],
]);

/** Returns what gives each tensor its type by role and place; it must be asked in order. */
export function createMixer(
  tensors: readonly PlanTensor[],
  model: GgufModelFacts,
  file: FileType,
  { outputTensorType, hasImportance }: MixOptions,
): (tensor: PlanTensor, role: Role) => string {
  const { nLayers, nHeads, nKvHeads, nExperts } = model;
  const baseType = file.tensorType;
  const mix = MIXES.get(file.name) ?? {};
  const hasSmallValues =
    ARCHITECTURES.find(({ name }) => name === model.architecture)?.hasSmallValues?.(model) ?? false;
  const isTied = !tensors.some(({ name }) => name === HEAD);
  const nValues = tensors.filter(({ name }) => roleOf(name) === "v").length;
  const facts = {
    sharing: nKvHeads === 0 ? 0 : Math.floor(nHeads / nKvHeads),
    hasImportance: hasImportance !== undefined,
  };
  let valueIndex = 0;
  let downIndex = 0;

  function headType(columns: number): string {
    if (outputTensorType !== undefined) return outputTensorType;
    const { blockValues } = blockInfo(baseType);
    return file.name === "MXFP4_MOE" || columns % blockValues !== 0 || baseType === "q8_0" ? "q8_0" : "q6_K";
  }

  function valueType(): string {
    const type = mix.v?.({ ...facts, index: valueIndex++, total: nValues }) ?? baseType;
    return hasSmallValues && (type === "q3_K" || type === "q4_K") ? "q5_K" : type;
  }

  function downType(name: string): string {
    const index = nExperts > 1 ? (layerOf(name) as number) : downIndex++;
    return mix.down?.({ ...facts, index, total: nLayers }) ?? baseType;
  }

  return ({ name, shape }, role) => {
    if (nExperts > 1 && (role === "down" || role === "up" || role === "gate")) assertLayer(name, nLayers);
    if (role === "head" || (role === "embedding" && isTied)) return headType(shape.at(-1) as number);
    if (file.name === "MXFP4_MOE") return (shape.at(-3) ?? 1) > 1 ? "mxfp4" : "q8_0";
    switch (role) {
      case "embedding":
        return baseType === "tq1_0" || baseType === "tq2_0" || baseType === "q2_0" ? "q4_K" : baseType;
      case "v": {
        const type = valueType();
        return nExperts === 8 ? "q8_0" : type;
      }
      case "k":
        return nExperts === 8 ? "q8_0" : baseType;
      case "down":
        return downType(name);
      case "o": {
        const choice = nExperts === 8 ? mix.oOfEight : mix.o;
        return choice?.({ ...facts, index: 0, total: nLayers }) ?? baseType;
      }
      default:
        return baseType;
    }
  };
}

function assertLayer(tensor: string, nLayers: number): void {
  const layer = layerOf(tensor);
  if (layer !== undefined && layer < nLayers) return;
  throw new QuantizationError({
    code: "E_LAYER",
    tensor,
    toolText: `tensor '${tensor}' of a model with experts is in none of its ${nLayers} layers`,
    expected: `blk.0 to blk.${nLayers - 1}`,
    got: tensor,
  });
}
