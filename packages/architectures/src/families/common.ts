// What families have in common.

import type { Hyper, KeyReader } from "../architecture.ts";
import type { Activation, Axis, RopePairing, RopeSettings, Value } from "../graph.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { AttendSpec, FactorsSpec, Layer, LogitsSpec, ProductSpec } from "../graph-specs.ts";

/** How a longer context than that of the training was reached, where it was not by the scale alone. */
export interface RopeScaling {
  readonly kind: "linear" | "yarn" | "longrope";
  /** Positions of the training. */
  readonly originalTokens: number;
  /** Factor on cosines and sines. */
  readonly attnFactor: number;
  /** Turns in `originalTokens` above which a pair is left as it is, and below which it is scaled. Defaults 32 and 1. */
  readonly betaFast?: number;
  readonly betaSlow?: number;
  /** Takes off some of what YaRN puts on cosines and sines. Default 0. */
  readonly logMultiplier?: number;
}

/** With one rotary embedding for all layers. */
export interface RopeHyper extends Hyper {
  /** θ (Su et al., arXiv:2104.09864). */
  readonly ropeFreqBase: number;
  /** Factor on every position. */
  readonly ropeFreqScale: number;
  readonly ropeScaling?: RopeScaling;
  /** Channels of a head that are rotated, the first ones. Default: all. */
  readonly nRotated?: number;
  /** Pairs that turn by each coordinate of a picture. */
  readonly ropeSections?: readonly number[]; // (4)
}

/** Keys that change nothing in any family, whatever they say. */
export const HARMLESS_KEYS: readonly string[] = [
  "context_length",
  "pooling_type",
  "rope.scaling.finetuned",
  "tensor_data_layout",
  "use_parallel_residual",
];

/** The sizes of a model whose layers are alike, but for those that are known to differ. */
export function readSizes(keys: KeyReader, known: Partial<Pick<Hyper, "nKvHeads" | "nFf">> = {}): Hyper {
  const nEmbd = keys.count("embedding_length");
  const nHeads = keys.count("attention.head_count");
  if (nEmbd % nHeads !== 0 && !keys.has("attention.key_length")) {
    keys.refuse("attention.head_count", `a divisor of the ${nEmbd} channels`);
  }
  const headDim = keys.count("attention.key_length", nEmbd / nHeads);
  keys.expect("attention.value_length", headDim);
  return {
    nVocab: keys.nVocab(),
    nEmbd,
    nLayers: keys.count("block_count"),
    nHeads,
    nKvHeads: known.nKvHeads ?? keys.count("attention.head_count_kv", nHeads),
    headDim,
    nFf: known.nFf ?? keys.count("feed_forward_length"),
    rmsNormEps: keys.float("attention.layer_norm_rms_epsilon"),
  };
}

export function readPositive(keys: KeyReader, key: string, fallback: number): number {
  const value = keys.float(key, fallback);
  return value > 0 ? value : keys.refuse(key, "a positive number");
}

/** Base and scaling: the inverse of the factor by which the context was stretched. Early files have it under another key. */
function readRope(keys: KeyReader): Pick<RopeHyper, "ropeFreqBase" | "ropeFreqScale" | "ropeScaling"> {
  const type = keys.choice("rope.scaling.type", ["none", "linear", "yarn", "longrope"], "linear");
  const factor = keys.float("rope.scaling.factor", keys.float("rope.scale_linear", 0));
  const ropeFreqBase = keys.float("rope.freq_base", 10000);
  const attnFactor = readPositive(keys, "rope.scaling.attn_factor", 1);
  const originalTokens = readOriginalTokens(keys);
  if (type === "yarn" && ropeFreqBase <= 1) keys.refuse("rope.freq_base", "more than 1");
  const kind = type === "none" ? "linear" : type;
  const isPlain = kind === "linear" && attnFactor === 1;
  return {
    ropeFreqBase,
    ropeFreqScale: type === "none" || factor === 0 ? 1 : Math.fround(1 / factor),
    ...(isPlain ? {} : { ropeScaling: { kind, originalTokens, attnFactor } }),
  };
}

/** Positions of the training, before its context was stretched. */
export function readOriginalTokens(keys: KeyReader): number {
  const key = "rope.scaling.original_context_length";
  const n = keys.count(key, keys.count("context_length", 1));
  return n > 0 ? n : keys.refuse(keys.has(key) ? key : "context_length", "at least 1");
}

/** What most families have: sizes, and one rotary embedding, of all channels of a head or of the first ones. */
export function readRopeHyper(keys: KeyReader, sizes: Hyper = readSizes(keys)): RopeHyper {
  const { headDim } = sizes;
  const key = "rope.dimension_count";
  const nRotated = keys.count(key, headDim);
  const hyper = { ...sizes, ...readRope(keys) };
  if (nRotated === headDim) return hyper;
  if (nRotated < 2 || nRotated % 2 !== 0 || nRotated > headDim) keys.refuse(key, `an even number up to ${headDim}`);
  return { ...hyper, nRotated };
}

/** With layers that see a window of positions. */
export interface SlidingHyper extends RopeHyper {
  /** Positions that a layer sees that slides; 0: none does. */
  readonly window: number;
  /** In every so many layers the last one does not slide; 0: all do, 1: none. Or which ones do. */
  readonly slidingPattern: number | readonly boolean[];
}

export function readSliding(
  keys: KeyReader,
  period: number,
  window = 0,
): Pick<SlidingHyper, "window" | "slidingPattern"> {
  const key = "attention.sliding_window_pattern";
  return {
    window: keys.count("attention.sliding_window", window),
    slidingPattern: keys.isArray(key)
      ? keys.perLayer(key, keys.count("block_count")).map((item) => item !== 0)
      : keys.count(key, period),
  };
}

export function isSliding({ window, slidingPattern: pattern }: SlidingHyper, layer: number): boolean {
  if (window === 0) return false;
  return typeof pattern === "number" ? pattern === 0 || layer % pattern < pattern - 1 : pattern[layer] === true;
}

/** How many pairs turn by each coordinate, in models that also see pictures. */
export function readSections(keys: KeyReader): Required<Pick<RopeHyper, "ropeSections">> {
  const key = "rope.dimension_sections";
  const ropeSections = keys.perLayer(key, 4);
  if (ropeSections.every((n) => n === 0)) keys.refuse(key, "at least one pair");
  return { ropeSections };
}

/** The angles of a layer. @param base that of the file, unless layers differ */
export function ropeSettings(h: RopeHyper, base: number = h.ropeFreqBase): RopeSettings {
  const { ropeSections: sections } = h;
  return { ...stretched(h, base), ...(sections === undefined ? {} : { sections }) };
}

function stretched(h: RopeHyper, base: number): RopeSettings {
  const { nRotated: nRot = h.headDim, ropeFreqScale: scale, ropeScaling } = h;
  if (ropeScaling === undefined) return { nRot, base, scale };
  const { kind, originalTokens, attnFactor, betaFast = 32, betaSlow = 1, logMultiplier = 0 } = ropeScaling;
  if (kind !== "yarn") return { nRot, base, scale, magnitude: attnFactor };
  const log = 0.1 * Math.log(Math.max(1, 1 / scale));
  /** The pair that turns `turns` times in the positions of the training. */
  const pair = (turns: number): number =>
    (nRot * Math.log(originalTokens / (2 * Math.PI * turns))) / (2 * Math.log(base));
  const yarn = {
    low: Math.max(0, Math.floor(pair(betaFast))),
    high: Math.min(nRot - 1, Math.ceil(pair(betaSlow))),
  };
  return { nRot, base, scale, magnitude: Math.fround((attnFactor * (1 + log)) / (1 + logMultiplier * log)), yarn };
}

/** Numbers that divide the angles: by the size of the context, or always, if the file has them. */
export function ropeFactors(g: GraphBuilder, { ropeScaling }: Pick<RopeHyper, "ropeScaling">): FactorsSpec {
  if (ropeScaling?.kind === "longrope") return longFactors(g, ropeScaling.originalTokens);
  return g.has("rope_freqs.weight") ? { name: "rope_freqs" } : {};
}

/** Those for contexts of up to `above` positions, and for larger ones, if the file has either. */
export function longFactors(g: GraphBuilder, above: number): FactorsSpec {
  const [name, long] = ["rope_factors_short", "rope_factors_long"];
  return g.has(`${name}.weight`) || g.has(`${long}.weight`) ? { name, long: { name: long, above } } : {};
}

/** 1 / √headDim, rounded to binary32 after the root and the reciprocal. */
export function attentionScale(headDim: number): number {
  return Math.fround(1 / Math.fround(Math.sqrt(headDim)));
}

/** The products that attention begins with: three matrices with biases if the file has them, or one that holds their rows. */
export function queryKeyValue(
  g: GraphBuilder,
  layer: Layer,
  axis: Axis,
  { nHeads, nKvHeads, headDim }: Pick<Hyper, "nHeads" | "nKvHeads" | "headDim">,
): [q: ProductSpec, k: ProductSpec, v: ProductSpec] {
  const [nQ, nK] = [nHeads * headDim, nKvHeads * headDim];
  const common = { axis, bias: "optional" } as const;
  if (!g.has(`${layer("attn_qkv")}.weight`)) {
    return [
      { name: layer("attn_q"), rows: nQ, ...common },
      { name: layer("attn_k"), rows: nK, ...common },
      { name: layer("attn_v"), rows: nK, ...common },
    ];
  }
  const of = nQ + 2 * nK;
  const name = layer("attn_qkv");
  return [
    { name, rows: nQ, ...common, fused: { first: 0, of } },
    { name, rows: nK, ...common, fused: { first: nQ, of } },
    { name, rows: nK, ...common, fused: { first: nQ + nK, of } },
  ];
}

/** What attention blocks differ in. */
export interface AttentionOptions extends Pick<AttendSpec, "window" | "softCap" | "sinks"> {
  readonly pairing: RopePairing;
  /** Of the layer's positions; without them nothing is rotated. */
  readonly angles: Value | undefined;
  /** Those of queries, if they are others than the keys'. */
  readonly queryAngles?: Value | undefined;
  /** On products of queries and keys. Default: that of the size of a head. */
  readonly scale?: number;
  /** Queries and keys are normed, head by head, before they are rotated. */
  readonly hasHeadNorms?: boolean;
  /** Whether the last product has a bias if the file has it: never by default. */
  readonly bias?: "optional";
}

/** A layer's attention block from its normed input to what is added to the stream. */
export function attention(
  g: GraphBuilder,
  x: Value,
  layer: Layer,
  h: Hyper,
  { pairing, angles, queryAngles = angles, scale, hasHeadNorms = false, bias, ...scores }: AttentionOptions,
): Value {
  const { headDim, rmsNormEps: eps } = h;
  const [q, k, v] = g.project(x, ...queryKeyValue(g, layer, g.axis("heads", h.nKvHeads), h));
  if (hasHeadNorms) {
    g.headNorm(q, layer("attn_q_norm"), headDim, eps);
    g.headNorm(k, layer("attn_k_norm"), headDim, eps);
  }
  if (queryAngles !== undefined) g.rope(q, queryAngles, headDim, pairing);
  if (angles !== undefined) g.rope(k, angles, headDim, pairing);
  const attended = g.attend({ q, k, v, headDim, scale: scale ?? attentionScale(headDim), ...scores });
  return toStream(g, attended, layer("attn_output"), h.nEmbd, bias === undefined ? {} : { bias });
}

/** What feed-forward blocks differ in. */
export interface FeedForwardOptions {
  /** Default "silu". */
  readonly activation?: Activation;
  /** Whether its products have biases if the file has them: never by default. */
  readonly bias?: "optional";
}

/** down · (activation(gate · x) ⊙ (up · x)): the gated unit (Shazeer, arXiv:2002.05202). */
export function feedForward(
  g: GraphBuilder,
  x: Value,
  layer: (name: string) => string,
  { nFf, nEmbd }: Pick<Hyper, "nFf" | "nEmbd">,
  { activation = "silu", ...bias }: FeedForwardOptions = {},
): Value {
  const inner = g.rows("inner channels", nFf);
  const [gate, up] = g.project(
    x,
    { name: layer("ffn_gate"), rows: nFf, axis: inner, ...bias },
    { name: layer("ffn_up"), rows: nFf, axis: inner, ...bias },
  );
  return toStream(g, g.gate(activation, gate, up), layer("ffn_down"), nEmbd, bias);
}

/** The product that brings a block's result back to the channels of the stream. */
export function toStream(
  g: GraphBuilder,
  x: Value,
  name: string,
  nEmbd: number,
  bias: Pick<ProductSpec, "bias"> = {},
): Value {
  const [out] = g.project(x, { name, rows: nEmbd, axis: g.rows("channels", nEmbd), ...bias });
  return out;
}

/** The logits; without an output matrix, the embeddings are taken for it. */
export function logits(
  g: GraphBuilder,
  x: Value,
  normName: string,
  { nVocab, rmsNormEps }: Hyper,
  options: LogitsSpec = {},
): void {
  const name = g.has("output.weight") ? "output" : "token_embd";
  g.logits(g.norm(g.select(x), normName, rmsNormEps), name, nVocab, options);
}
