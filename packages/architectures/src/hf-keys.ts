// Keys of GGUF files that several families write alike, out of config.json.

import { type HfConfig, type HfKeys, type HfMadeTensor, hfKvHeads } from "./hf.ts";

/** Defaults of all. */
export const HF_DEFAULTS: Readonly<Record<string, number | boolean>> = { rms_norm_eps: 1e-6, rope_theta: 10000 };

/** Rotary positions: `rope_parameters` of transformers 5, or `rope_scaling` and what stands beside it. */
export interface HfRope {
  /** The dictionary itself. */
  readonly own: HfConfig | undefined;
  /** The part of it that is about layers that see everything; `own` if layers are alike. */
  readonly full: HfConfig | undefined;
  readonly type: string | undefined;
  readonly theta: number;
  readonly slidingTheta: number | undefined;
  readonly originalTokens: number | undefined;
  readonly partialFactor: number | undefined;
}

export function hfRope(c: HfConfig): HfRope {
  const own = c.object("rope_parameters") ?? c.object("rope_scaling");
  const [fullPart, slidingPart] = [own?.object("full_attention"), own?.object("sliding_attention")];
  const areAlike = fullPart === undefined && slidingPart === undefined;
  const full = fullPart ?? own;
  const number = (name: string): number | undefined =>
    full?.has(name) ? full.float(name) : areAlike && c.has(name) ? c.float(name) : undefined;
  return {
    own,
    full,
    type: full?.has("rope_type") ? full.text("rope_type") : full?.has("type") ? full.text("type") : undefined,
    theta: number("rope_theta") ?? c.refuse("rope_theta", "a number for layers that see everything"),
    slidingTheta:
      slidingPart?.float("rope_theta") ??
      (areAlike && c.has("rope_local_base_freq") ? c.float("rope_local_base_freq") : undefined),
    originalTokens: number("original_max_position_embeddings"),
    partialFactor: number("partial_rotary_factor"),
  };
}

/** Channels of a head; those of the stream divided among the heads if nothing is said. */
export function hfHeadDim(c: HfConfig): number {
  return c.has("head_dim") ? c.count("head_dim") : Math.floor(c.count("hidden_size") / c.count("num_attention_heads"));
}

/** What B says otherwise. */
export interface BasicKeys {
  readonly nLayers?: number;
  /** Undefined: not written. */
  readonly headDim?: number | undefined;
}

/** What nearly all families write. */
export function basicKeys(c: HfConfig, k: HfKeys, own: BasicKeys = {}): void {
  const headDim = "headDim" in own ? own.headDim : c.has("head_dim") ? c.count("head_dim") : undefined;
  k.u32("block_count", own.nLayers ?? c.count("num_hidden_layers"));
  k.u32("context_length", c.count("max_position_embeddings"));
  k.u32("embedding_length", c.count("hidden_size"));
  if (c.has("intermediate_size")) k.u32("feed_forward_length", c.count("intermediate_size"));
  k.u32("attention.head_count", c.count("num_attention_heads"));
  k.u32("attention.head_count_kv", hfKvHeads(c));
  ropeKeys(c, k);
  k.f32("attention.layer_norm_rms_epsilon", c.float(c.has("norm_eps") ? "norm_eps" : "rms_norm_eps"));
  expertKeys(c, k);
  if (headDim === undefined) return;
  k.u32("attention.key_length", headDim);
  k.u32("attention.value_length", headDim);
}

function expertKeys(c: HfConfig, k: HfKeys): void {
  const nExperts = ["num_local_experts", "num_experts"].find((name) => c.has(name));
  const nUsed = ["num_experts_per_tok", "num_experts_per_token", "top_k_experts"].find((name) => c.has(name));
  if (nExperts !== undefined) k.u32("expert_count", c.count(nExperts));
  if (nUsed !== undefined) k.u32("expert_used_count", c.count(nUsed));
}

function ropeKeys(c: HfConfig, k: HfKeys): void {
  const rope = hfRope(c);
  const { full, type } = rope;
  if (rope.own?.has("mrope_section")) {
    const sections = rope.own.numbers("mrope_section");
    k.i32s("rope.dimension_sections", [...sections, 0, 0, 0, 0].slice(0, 4));
  }
  switch (type) {
    case "linear":
    case "yarn":
      if (!full?.has("factor")) break;
      k.text("rope.scaling.type", type);
      k.f32("rope.scaling.factor", full.float("factor"));
      if (type === "yarn") yarnKeys(c, k, full, rope.originalTokens);
      break;
    case "longrope":
    case "su":
      k.text("rope.scaling.type", "longrope");
      break;
    case undefined:
    case "default":
    case "llama3":
    case "dynamic":
    case "proportional":
      break;
    default:
      c.refuse("rope_type", "linear, yarn, longrope, llama3, dynamic, proportional or default");
  }
  k.f32("rope.freq_base", rope.theta);
  if (rope.slidingTheta !== undefined) k.f32("rope.freq_base_swa", rope.slidingTheta);
}

function yarnKeys(c: HfConfig, k: HfKeys, full: HfConfig, originalTokens: number | undefined): void {
  const tokens = originalTokens ?? c.refuse("original_max_position_embeddings", "a number, with yarn");
  k.u32("rope.scaling.original_context_length", tokens);
  const optional = (key: string, ...names: readonly string[]): void => {
    const name = names.find((one) => full.has(one));
    if (name !== undefined) k.f32(`rope.scaling.${key}`, full.float(name));
  };
  optional("yarn_ext_factor", "extrapolation_factor");
  optional("yarn_attn_factor", "attention_factor", "attn_factor");
  optional("yarn_beta_fast", "beta_fast");
  optional("yarn_beta_slow", "beta_slow");
}

/** Sizes that some families say besides. */
export function vocabAndRotaryKeys(c: HfConfig, k: HfKeys, headDim: number = hfHeadDim(c)): void {
  k.u32("vocab_size", c.count("vocab_size"));
  k.u32("rope.dimension_count", headDim);
}

/** Numbers by which the angles of Llama 3 are divided, if its context was stretched. */
export function llama3Factors(c: HfConfig): HfMadeTensor[] {
  const { type, full, theta, originalTokens: old = 8192 } = hfRope(c);
  if (type !== "llama3") return [];
  const number = (name: string, fallback: number): number => (full?.has(name) ? full.float(name) : fallback);
  const [factor, low, high] = [number("factor", 8), number("low_freq_factor", 1), number("high_freq_factor", 4)];
  if (low === high) c.refuse("rope_scaling", "two different factors of frequencies");
  const headDim = hfHeadDim(c);
  const values = Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const power = Math.fround(theta ** Math.fround((2 * i) / headDim));
    const wavelength = Math.fround((2 * Math.PI) / Math.fround(1 / power));
    if (wavelength < old / high) return 1;
    if (wavelength > old / low) return factor;
    const smooth = (old / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  return [{ name: "rope_freqs.weight", values }];
}

/** Refuses layers of other kinds than the family computes, where config.json lists them. */
export function expectLayerTypes(c: HfConfig, typeOf: (layer: number) => string): void {
  if (!c.has("layer_types")) return;
  const types = c.texts("layer_types");
  const wanted = types.map((_, layer) => typeOf(layer));
  if (types.some((type, layer) => type !== wanted[layer])) c.refuse("layer_types", wanted.join(", "));
}

/** Refuses a member that has another value than the one that the family computes with. */
export function expectNumber(c: HfConfig, name: string, expected: number): void {
  if (c.has(name) && c.float(name) !== expected) c.refuse(name, String(expected));
}
