// How the files that publishers of a family release, those of Hugging Face, become a GGUF file: which class of config.json it is, what
// its tensors are called there, and what its keys follow from. The data of each family is in its file; facts: llama.cpp's converter of
// August 2026.

import { LLAMA_NAMES } from "./names.ts";

/**
 * What config.json says; members of `text_config` go before those of the root, defaults of the family behind both, and null is nothing.
 * What is asked for and not there, or of another type, refuses the directory.
 */
export interface HfConfig {
  has(name: string): boolean;
  /** A whole number from 0. */
  count(name: string): number;
  float(name: string): number;
  /** False if absent. */
  flag(name: string): boolean;
  text(name: string): string;
  numbers(name: string): readonly number[];
  texts(name: string): readonly string[];
  /** Undefined if absent. */
  object(name: string): HfConfig | undefined;
  /** Refuses the directory for the value of a member. */
  refuse(name: string, expected: string): never;
}

/** The value of a key in a GGUF file. */
export type HfValue =
  | { readonly type: "u32" | "i32" | "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "array"; readonly itemType: "i32"; readonly items: readonly number[] }
  | { readonly type: "array"; readonly itemType: "bool"; readonly items: readonly boolean[] };

/** Keys of a GGUF file without the family's prefix. */
export class HfKeys {
  readonly values: Map<string, HfValue> = new Map();

  u32(key: string, value: number): void {
    this.values.set(key, { type: "u32", value });
  }
  f32(key: string, value: number): void {
    this.values.set(key, { type: "f32", value });
  }
  flag(key: string, value: boolean): void {
    this.values.set(key, { type: "bool", value });
  }
  text(key: string, value: string): void {
    this.values.set(key, { type: "string", value });
  }
  i32s(key: string, items: readonly number[]): void {
    this.values.set(key, { type: "array", itemType: "i32", items });
  }
  flags(key: string, items: readonly boolean[]): void {
    this.values.set(key, { type: "array", itemType: "bool", items });
  }
}

/** Which of the publisher's rows, or columns, become those of the new tensor, in order. */
export interface HfOrder {
  readonly n: number;
  from(index: number): number;
}

/** What becomes of the numbers of a tensor. Rows are those of each matrix, or the numbers of a vector. */
export interface HfChange {
  /** @param n that there are. Undefined: so many cannot be ordered so. */
  rows?(n: number): HfOrder | undefined;
  columns?(n: number): HfOrder | undefined;
  value?(x: number): number;
  /** [n, 1, columns] becomes [n, columns]. */
  readonly isFlat?: boolean;
  /** The last two dimensions are swapped before anything else. */
  readonly isTransposed?: boolean;
}

/** What a tensor of the publisher is in a GGUF file, or a part of that. */
export interface HfPart extends HfChange {
  readonly name: string;
  /** Its number, if it is the matrix of one expert, and all of them are one tensor. */
  readonly expert?: number;
  /** Whether it is the nibbles or the exponents of MXFP4 blocks, which are stored apart. */
  readonly mxfp4?: "nibbles" | "exponents";
}

/** A tensor that follows from config.json: (n) binary32 numbers. */
export interface HfMadeTensor {
  readonly name: string;
  readonly values: Float32Array;
}

export interface HfTokenizerRules {
  /** Whether a tokenizer.model is taken, and that before tokenizer.json. */
  readonly sentencePiece: "optional" | "required" | "never";
  /** `add_space_prefix`: as tokenizer_config.json says, or never; not said if absent. */
  readonly spacePrefix?: "as configured" | "never";
  /** Added tokens keep U+2581 and are control tokens only if the files say so. */
  readonly keepsAddedTokens?: boolean;
  /** Texts are not spelled in the alphabet of bytes, though they are merged. */
  readonly isPlain?: boolean;
}

export interface HfFamily {
  /** Names in `architectures` of config.json. */
  readonly classes: readonly string[];
  /** What config.json leaves out because the library has it as a default, by `model_type`; "" is for all. */
  readonly defaults: Readonly<Record<string, Readonly<Record<string, number | boolean>>>>;
  /**
   * Names of tensors without `.weight`, `.bias` and the beginning that names the layer; `*` stands for the number of an expert. What is
   * stored without such an ending has it in its GGUF name. Two names are the halves of the rows of each matrix.
   */
  readonly names: Readonly<Record<string, string | readonly [string, string]>>;
  /** Tensors that are of no use: encoders of pictures and sound are known everywhere. */
  readonly unused?: RegExp;
  /** `hidden_activation` or `hidden_act`; "silu" if absent. */
  readonly activation?: string;
  /** Of `quantization_config`, besides fp8 with scales of blocks. */
  readonly quantMethods?: readonly string[];
  readonly tokenizer: HfTokenizerRules;
  /** Fields that matter for this family and are otherwise refused, because they change what is computed. */
  readonly knownFields?: readonly string[];
  /** Members of config.json that follow from the names of tensors, where it has none, or 0. */
  fromNames?(names: Iterable<string>): Readonly<Record<string, number>>;
  /** Renames before anything is looked up. */
  rename?(name: string, config: HfConfig): string;
  /** Tensors that are more than renamed; undefined for the others. */
  parts?(name: string, config: HfConfig): readonly HfPart[] | undefined;
  /** How the numbers of a tensor change. @param role its name in the new file; @param nTokens entries of the vocabulary */
  change?(role: string, config: HfConfig, nTokens: number): HfChange;
  made?(config: HfConfig): readonly HfMadeTensor[];
  /** Keys behind `tokenizer.ggml.` that follow from config.json alone. */
  tokenizerKeys?(config: HfConfig, keys: HfKeys): void;
  /** Says what the new file says, and refuses what it cannot say. */
  keys(config: HfConfig, keys: HfKeys): void;
}

/** Names that families share. */
export const HF_NAMES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(LLAMA_NAMES.flatMap(({ gguf, hf }) => (hf === undefined ? [] : [[hf, gguf]]))),
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
};

/** Those of layers with a norm behind each block. */
export const HF_NORMS_BEHIND: Readonly<Record<string, string>> = {
  post_attention_layernorm: "post_attention_norm",
  pre_feedforward_layernorm: "ffn_norm",
  post_feedforward_layernorm: "post_ffw_norm",
};

const LAYER = /^model\.layers\.(0|[1-9]\d{0,8})\.(.*)$/;
const EXPERT = /^(.*\.experts)\.(0|[1-9]\d{0,8})\.(.*)$/;

/** What a tensor becomes; undefined for one that the family does not know. */
export function hfParts(
  family: HfFamily,
  stored: string,
  config: HfConfig,
  nTokens: number,
): readonly HfPart[] | undefined {
  const name = family.rename?.(stored, config) ?? stored;
  const special = family.parts?.(name, config);
  if (special !== undefined) return special;
  const [, layer, inLayer] = LAYER.exec(name) ?? [];
  const prefix = layer === undefined ? "" : `blk.${layer}.`;
  const [, stem = "", suffix = ""] = /^(.*?)(\.weight|\.bias)?$/s.exec(inLayer ?? name) ?? [];
  const [, experts, number, rest] = EXPERT.exec(stem) ?? [];
  const key = experts === undefined ? stem : `${experts}.*.${rest}`;
  const found = Object.hasOwn(family.names, key) ? family.names[key] : undefined;
  if (found === undefined) return undefined;
  const part = (gguf: string, own: HfChange): HfPart => {
    const role = `${prefix}${gguf}${suffix}`;
    const expert = number === undefined ? {} : { expert: Number(number) };
    return { name: role, ...expert, ...own, ...family.change?.(role, config, nTokens) };
  };
  return typeof found === "string" ? [part(found, {})] : found.map((gguf, i) => part(gguf, { rows: halfOf(i) }));
}

/** The first or the second half. */
function halfOf(i: number): (n: number) => HfOrder | undefined {
  return (n) => (n % 2 === 0 ? { n: n / 2, from: (row) => row + (i * n) / 2 } : undefined);
}

/** Every second one, from the first or the second. */
export function everySecond(i: number): (n: number) => HfOrder | undefined {
  return (n) => (n % 2 === 0 ? { n: n / 2, from: (row) => 2 * row + i } : undefined);
}

/**
 * Rotary pairs stand half a head apart in the publisher's query and key matrices, and side by side in GGUF files of families that turn
 * neighbours.
 */
function neighbouringPairs(nHeads: number): (n: number) => HfOrder | undefined {
  return (n) => {
    const headDim = n / nHeads;
    if (headDim % 2 !== 0) return undefined;
    const half = headDim / 2;
    return {
      n,
      from: (row) => {
        const i = row % headDim;
        return row - i + (i % 2) * half + Math.floor(i / 2);
      },
    };
  };
}

/** `neighbouringPairs` of queries and keys. */
export function changePairs(role: string, config: HfConfig): HfChange {
  const isQuery = /\.attn_q\.(?:weight|bias)$/.test(role);
  if (!isQuery && !/\.attn_k\.(?:weight|bias)$/.test(role)) return {};
  return { rows: neighbouringPairs(isQuery ? config.count("num_attention_heads") : hfKvHeads(config)) };
}

/** Key heads; as many as heads if nothing is said. */
export function hfKvHeads(c: HfConfig): number {
  return c.count(c.has("num_key_value_heads") ? "num_key_value_heads" : "num_attention_heads");
}

/** Norms are stored as what they differ from 1. */
export function changeNorms(role: string): HfChange {
  return role.endsWith("norm.weight") ? { value: (x) => x + 1 } : {};
}
