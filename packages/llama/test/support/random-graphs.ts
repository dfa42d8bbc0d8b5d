// Families that nobody made: known operations in random places, with random sizes. Their engines must agree all the same.

import { fc } from "@fast-check/vitest";
import { ARCHITECTURES, type Architecture, GraphBuilder, type Layer, type Value, type Weight } from "@ll/architectures";
import { packRows, rowBytes } from "@ll/quant";
import type { ModelConfig, SourceTensor, TensorSource } from "../../src/index.ts";
import { randomValues } from "./hand-made.ts";

const layers = fc.record({
  nKvHeads: fc.integer({ min: 1, max: 4 }),
  headsPerKvHead: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(8, 16, 32, 48),
  /** Share of a head that is rotated; 0: no position at all. */
  rotated: fc.constantFrom(0, 0.5, 1),
  pairing: fc.constantFrom("adjacent" as const, "halves" as const),
  hasFactors: fc.boolean(),
  /** Contexts of more positions take other factors. */
  longAbove: fc.constantFrom(undefined, 0, 256),
  rope: fc.record({
    scale: fc.constantFrom(1, 0.25),
    magnitude: fc.constantFrom(undefined, 1.25),
    yarn: fc.constantFrom(undefined, { low: 1, high: 3 }),
    temperature: fc.constantFrom(undefined, { slope: 0.1, span: 8 }),
  }),
  activation: fc.constantFrom(
    "silu" as const,
    "gelu" as const,
    "clamped swiglu" as const,
    "sigmoid" as const,
    "none" as const,
  ),
  residual: fc.constantFrom(undefined, 0.5),
  hasRowNorms: fc.boolean(),
  ropeFreqBase: fc.constantFrom(10_000, 1_000_000),
  hasHeadNorms: fc.boolean(),
  /** Of the values; a norm without a weight. */
  hasValueNorm: fc.boolean(),
  /** Looks at the keys and values of an earlier layer, where there is one, with heads of the same shape. */
  isSharing: fc.boolean(),
  window: fc.constantFrom(undefined, 1, 5, 40),
  softCap: fc.constantFrom(undefined, 2),
  hasSinks: fc.boolean(),
  isFused: fc.boolean(),
  hasBiases: fc.boolean(),
  isNormedBehind: fc.boolean(),
  /** Of a convolution that is in the place of attention; 0: attention. */
  nTaps: fc.constantFrom(0, 0, 1, 4),
  /** Of two delta nets in the place of attention; 0: attention, or the convolution. */
  nDeltaHeads: fc.constantFrom(0, 0, 1, 3),
  nFf: fc.integer({ min: 1, max: 100 }),
  /** In place of the one feed-forward block. */
  experts: fc.option(
    fc.record({
      nExperts: fc.integer({ min: 1, max: 6 }),
      /** Share of them that a token goes to. */
      used: fc.double({ min: 0, max: 1, noNaN: true }),
      scores: fc.constantFrom("softmax" as const, "sigmoid" as const, "softmax of chosen" as const),
      isNormalised: fc.boolean(),
      hasSelectionBias: fc.boolean(),
    }),
    { nil: undefined },
  ),
});

export const randomGraphs = fc.record({
  nVocab: fc.integer({ min: 2, max: 90 }),
  nEmbd: fc.constantFrom(32, 40, 64, 96),
  layers: fc.array(layers, { minLength: 1, maxLength: 3 }),
  isTied: fc.boolean(),
  logits: fc.record({
    bias: fc.constantFrom(undefined, "optional" as const),
    factor: fc.constantFrom(undefined, 0.5),
    softCap: fc.constantFrom(undefined, 3),
  }),
  /** Of matrices whose rows it divides; the others are f16. */
  type: fc.constantFrom("f32", "f16", "q4_0", "q8_0", "q5_1"),
  arithmetic: fc.constantFrom("build803" as const, "lanes" as const),
  seed: fc.nat(1000),
});

export type RandomGraph = typeof randomGraphs extends fc.Arbitrary<infer Graph> ? Graph : never;
type RandomLayer = RandomGraph["layers"][number];

const NAME = "random";
const EPS = Math.fround(1e-6);

/** @param keepers the layers before that keep keys and values */
function recordLayer(
  g: GraphBuilder,
  x: Value,
  l: Layer,
  nEmbd: number,
  layer: RandomLayer,
  keepers: RandomLayer[],
): void {
  const mixer = layer.nDeltaHeads > 0 ? deltaNets : layer.nTaps > 0 ? convolution : undefined;
  const mix = mixer?.(g, x, l, layer) ?? attention(g, x, l, layer, keepers);
  const bias = layer.hasBiases ? ({ bias: "required" } as const) : {};
  const [out] = g.project(mix, { name: l("attn_output"), rows: nEmbd, axis: g.rows("channels", nEmbd), ...bias });
  addBlock(g, x, out, l("post_attention_norm"), layer);
  addBlock(g, x, feedForward(g, g.norm(x, l("ffn_norm"), EPS), l, nEmbd, layer), l("post_ffw_norm"), layer);
}

/** Two convolutions in one tensor, of the halves of a product. */
function convolution(g: GraphBuilder, x: Value, l: Layer, { nFf, nTaps }: RandomLayer): Value {
  const axis = g.rows("mixed channels", nFf);
  const halves = [0, nFf].map((first) => ({
    name: l("conv_in"),
    rows: nFf,
    axis,
    fused: { first, of: 2 * nFf },
  }));
  const values = g.project(g.norm(x, l("attn_norm"), EPS), ...halves);
  const [a, b] = values.map((value, i) =>
    g.convolve(value, l("conv"), nTaps, { silu: i === 0, rows: { first: i * nFf, of: 2 * nFf } }),
  ) as [Value, Value];
  return g.gate("silu", a, b);
}

/** Two delta nets over the same queries and keys, whose values take turns in one product. */
function deltaNets(g: GraphBuilder, x: Value, l: Layer, { nDeltaHeads: n, headDim }: RandomLayer): Value {
  const axis = g.axis("delta heads", n);
  const spec = (name: string, rows: number) => ({ name: l(name), rows, axis });
  const [q, k, both, ...gates] = g.project(
    g.norm(x, l("attn_norm"), EPS),
    spec("delta_q", n * headDim),
    spec("delta_k", n * headDim),
    spec("delta_v", 2 * n * headDim),
    ...[0, 1, 2, 3].map((i) => spec(`delta_gate_${i}`, n)),
  ) as unknown as [Value, Value, Value, ...Value[]];
  for (const value of [q, k]) g.l2Norm(value, headDim, EPS);
  const outs = [0, 1].map((i) => {
    const v = g.slice(both, 2 * headDim, i * headDim, headDim);
    const [alpha, beta] = gates.slice(2 * i) as [Value, Value];
    const numbers = { timeStep: l("delta_t"), rate: l("delta_rate"), rows: { first: i * n, of: 2 * n } };
    return g.deltaNet({ q, k, v, alpha, beta, headDim, ...numbers });
  }) as [Value, Value];
  return g.sideBySide(...outs);
}

function attention(g: GraphBuilder, x: Value, l: Layer, layer: RandomLayer, keepers: RandomLayer[]): Value {
  const cache = layer.isSharing ? keepers.length - 1 : -1;
  const { headDim, nKvHeads, headsPerKvHead } = keepers[cache] ?? layer;
  const { hasBiases } = layer;
  const heads = g.axis("heads", nKvHeads);
  const bias = hasBiases ? ({ bias: "required" } as const) : {};
  const [nQ, nK] = [nKvHeads * headsPerKvHead * headDim, nKvHeads * headDim];
  const of = nQ + 2 * nK;
  const rows = [
    { name: l("attn_q"), rows: nQ, first: 0 },
    { name: l("attn_k"), rows: nK, first: nQ },
    { name: l("attn_v"), rows: nK, first: nQ + nK },
  ].map(({ name, rows, first }) =>
    layer.isFused
      ? { name: l("attn_qkv"), rows, axis: heads, ...bias, fused: { first, of } }
      : { name, rows, axis: heads, ...bias },
  );
  let [q, k, v] = g.project(g.norm(x, l("attn_norm"), EPS), ...rows) as [Value, Value, Value];
  if (layer.hasRowNorms) {
    q = g.cut(g.norm(q, l("attn_q_row_norm"), EPS), heads);
    k = g.cut(g.norm(k, l("attn_k_row_norm"), EPS), heads);
  }
  if (layer.hasHeadNorms) {
    g.headNorm(q, l("attn_q_norm"), headDim, EPS);
    g.headNorm(k, l("attn_k_norm"), headDim, EPS);
  }
  if (layer.hasValueNorm) g.headNorm(v, undefined, headDim, EPS);
  const nRot = layer.rotated * headDim;
  if (nRot > 0) {
    const rope = { nRot, base: layer.ropeFreqBase, ...layer.rope };
    const name = layer.hasFactors ? `rope_freqs_${nRot}` : undefined;
    const above = layer.longAbove;
    const angles = g.angles(rope, { name, long: above === undefined ? above : { name: `rope_long_${nRot}`, above } });
    for (const value of [q, k]) g.rope(value, angles, headDim, layer.pairing);
  }
  const { window, softCap } = layer;
  const sinks = layer.hasSinks ? l("attn_sinks") : undefined;
  const scores = { headDim, scale: Math.fround(headDim ** -0.5), window, softCap, sinks };
  if (cache >= 0) return g.attend({ q, cache, ...scores }); // its own keys and values are for nothing
  keepers.push(layer);
  return g.attend({ q, k, v, ...scores });
}

function feedForward(g: GraphBuilder, x: Value, l: Layer, nEmbd: number, layer: RandomLayer): Value {
  const { nFf, experts, isFused, activation } = layer;
  const bias = layer.hasBiases ? ({ bias: "required" } as const) : {};
  const inner = { rows: nFf, axis: g.rows("inner channels", nFf), ...bias };
  const down = { name: l("ffn_down"), rows: nEmbd, axis: g.rows("channels", nEmbd), ...bias };
  const of = 2 * nFf;
  const specs = isFused
    ? ([
        { name: l("ffn_gate_up"), ...inner, fused: { first: 0, of } },
        { name: l("ffn_gate_up"), ...inner, fused: { first: nFf, of } },
      ] as const)
    : ([
        { name: l("ffn_gate"), ...inner },
        { name: l("ffn_up"), ...inner },
      ] as const);
  if (experts === undefined) {
    const [gate, up] = g.project(x, ...specs);
    return g.project(g.gate(activation, gate, up), down)[0];
  }
  const { nExperts, used, hasSelectionBias, ...routing } = experts;
  const router = { name: l("ffn_gate_inp"), rows: nExperts, axis: g.rows("experts", nExperts), ...bias };
  const route = g.route(g.project(x, router)[0], {
    ...routing,
    nUsed: Math.max(1, Math.round(used * nExperts)),
    bias: hasSelectionBias ? l("exp_probs_b") : undefined,
  });
  const [gate, up] = g.experts(x, route, nExperts, ...specs);
  return g.mix(g.experts(g.gate(activation, gate, up), route, nExperts, down)[0], route);
}

function addBlock(
  g: GraphBuilder,
  x: Value,
  block: Value,
  norm: string,
  { isNormedBehind, residual }: RandomLayer,
): void {
  const out = isNormedBehind ? g.norm(block, norm, EPS) : block;
  g.add(x, residual === undefined ? out : g.scale(out, residual));
}

/** The family of one random graph. */
function familyOf({ nVocab, nEmbd, layers, isTied, logits }: RandomGraph): Architecture {
  return {
    name: NAME,
    models: "none",
    names: [],
    harmlessKeys: [],
    readHyper: () => {
      throw new Error("it has no file");
    },
    build(g) {
      const x = g.embed("token_embd", nVocab, nEmbd);
      const keepers: RandomLayer[] = [];
      for (const l of g.layers(layers.length)) {
        recordLayer(g, x, l, nEmbd, layers[l.index] as RandomLayer, keepers);
      }
      g.logits(g.norm(g.select(x), "output_norm", EPS), isTied ? "token_embd" : "output", nVocab, logits);
    },
  };
}

/** A model of the graph, while its family is among those that there are. */
export async function withRandomModel(
  graph: RandomGraph,
  use: (source: TensorSource, config: ModelConfig) => Promise<void>,
): Promise<void> {
  const families = ARCHITECTURES as Architecture[];
  const family = familyOf(graph);
  families.push(family);
  try {
    const { nVocab, nEmbd, layers } = graph;
    const [{ nKvHeads, headsPerKvHead, headDim, nFf }] = layers as [RandomLayer];
    const config: ModelConfig = {
      architecture: NAME,
      ...{ nVocab, nEmbd, nLayers: layers.length, nHeads: nKvHeads * headsPerKvHead, nKvHeads, headDim, nFf },
      ...{ rmsNormEps: EPS, ropeFreqBase: 10_000, ropeFreqScale: 1, nMult: 1, nRot: headDim, ftype: 0 },
      arithmetic: graph.arithmetic,
    };
    await use(sourceOfGraph(graph, family, config), config);
  } finally {
    families.splice(families.indexOf(family), 1);
  }
}

/** Random weights for all tensors that the graph wants. */
function sourceOfGraph({ type, seed }: RandomGraph, family: Architecture, config: ModelConfig): TensorSource {
  const tensors = new Map<string, SourceTensor>();
  const onWeight = ({ role, form, tensorShape }: Weight): void => {
    const columns = tensorShape.at(-1) as number;
    const n = tensorShape.reduce((product, size) => product * size, 1);
    const ofMatrix = ["f32", "f16"].includes(type) || columns % 32 === 0 ? type : "f16";
    const tensorType = form === "numbers" ? "f32" : ofMatrix;
    const values = randomValues(seed + tensors.size * 7919, n);
    const sign = role.endsWith("_rate") ? -1 : 1; // of a delta net, whose state would grow without end
    const data = packRows(tensorType as "f32", form === "numbers" ? values.map((x) => sign * (1 + x)) : values);
    tensors.set(role, {
      name: role,
      type: tensorType,
      shape: tensorShape,
      byteLength: (n / columns) * rowBytes(tensorType as "f32", columns),
      async read(offset, target) {
        target.set(data.subarray(offset, offset + target.length));
      },
    });
  };
  family.build(new GraphBuilder({ has: () => true, onWeight }), config);
  return { names: () => tensors.keys(), tensor: (name) => tensors.get(name) };
}
