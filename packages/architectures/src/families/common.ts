// What families have in common.

import type { Hyper, KeyReader } from "../architecture.ts";
import type { Activation, Axis, Value } from "../graph.ts";
import type { GraphBuilder, Layer, ProductSpec } from "../graph-builder.ts";

/** With one rotary embedding for all layers. */
export interface RopeHyper extends Hyper {
  /** θ (Su et al., arXiv:2104.09864). */
  readonly ropeFreqBase: number;
  /** Factor on every position. */
  readonly ropeFreqScale: number;
}

/** Keys that change nothing in any family, whatever they say. */
export const HARMLESS_KEYS: readonly string[] = [
  "context_length",
  "pooling_type",
  "rope.scaling.finetuned",
  "tensor_data_layout",
  "use_parallel_residual",
];

/** The sizes of a model whose layers are alike. */
export function readSizes(keys: KeyReader): Hyper {
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
    nKvHeads: keys.count("attention.head_count_kv", nHeads),
    headDim,
    nFf: keys.count("feed_forward_length"),
    rmsNormEps: keys.float("attention.layer_norm_rms_epsilon"),
  };
}

/** Base and linear scaling: the inverse of the factor by which the context was stretched. Early files have it under another key. */
export function readRope(keys: KeyReader): Pick<RopeHyper, "ropeFreqBase" | "ropeFreqScale"> {
  const type = keys.text("rope.scaling.type", "linear");
  const factor = keys.float("rope.scaling.factor", keys.float("rope.scale_linear", 0));
  if (type !== "none") keys.expect("rope.scaling.type", "linear");
  return {
    ropeFreqBase: keys.float("rope.freq_base", 10000),
    ropeFreqScale: type === "none" || factor === 0 ? 1 : Math.fround(1 / factor),
  };
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

/** down · (activation(gate · x) ⊙ (up · x)): the gated unit (Shazeer, arXiv:2002.05202). */
export function feedForward(
  g: GraphBuilder,
  x: Value,
  layer: Layer,
  { nFf, nEmbd }: Pick<Hyper, "nFf" | "nEmbd">,
  activation: Activation = "silu",
): Value {
  const inner = g.rows("inner channels", nFf);
  const [gate, up] = g.project(
    x,
    { name: layer("ffn_gate"), rows: nFf, axis: inner, bias: "optional" },
    { name: layer("ffn_up"), rows: nFf, axis: inner, bias: "optional" },
  );
  return toStream(g, g.gate(activation, gate, up), layer("ffn_down"), nEmbd);
}

/** The product that brings a block's result back to the channels of the stream. */
export function toStream(g: GraphBuilder, x: Value, name: string, nEmbd: number): Value {
  const [out] = g.project(x, { name, rows: nEmbd, axis: g.rows("channels", nEmbd), bias: "optional" });
  return out;
}

/** The logits; without an output matrix, the embeddings are taken for it. */
export function logits(g: GraphBuilder, x: Value, normName: string, { nVocab, rmsNormEps }: Hyper): void {
  g.logits(g.norm(g.select(x), normName, rmsNormEps), g.has("output.weight") ? "output" : "token_embd", nVocab);
}
