import { describe, expect, test } from "vitest";
import {
  ARCHITECTURES,
  type Graph,
  GraphBuilder,
  LLAMA_NAMES,
  lastUses,
  metaName,
  type Value,
  type Weight,
} from "../src/index.ts";

const everything = { has: () => true };

const SMALL = {
  nVocab: 96,
  nEmbd: 64,
  nLayers: 2,
  nHeads: 4,
  nKvHeads: 2,
  headDim: 24, // more channels in heads than in the stream
  nFf: 160,
  rmsNormEps: 1e-6,
  ropeFreqBase: 10000,
  ropeFreqScale: 1,
};

/** @param others tensors besides those of ggml files */
function llamaGraph(...others: string[]): Graph {
  const llama = ARCHITECTURES.find(({ name }) => name === "llama")!;
  const has = (role: string): boolean => others.includes(role) || metaName(LLAMA_NAMES, role) !== undefined;
  const builder = new GraphBuilder({ has });
  llama.build(builder, SMALL);
  return builder.graph;
}

describe("llama", () => {
  test("wants the tensors of LLaMA, each once", () => {
    const { weights } = llamaGraph();
    expect(weights.length).toBe(3 + 2 * 9);
    const shapes = new Map(weights.map(({ role, shape }) => [role, shape]));
    expect(shapes.get("token_embd.weight")).toEqual([96, 64]);
    expect(shapes.get("blk.0.attn_q.weight")).toEqual([96, 64]);
    expect(shapes.get("blk.1.attn_k.weight")).toEqual([48, 64]);
    expect(shapes.get("blk.1.attn_output.weight")).toEqual([64, 96]);
    expect(shapes.get("blk.1.ffn_down.weight")).toEqual([64, 160]);
    expect(shapes.get("output_norm.weight")).toEqual([64]);
  });

  test("has one cache of key heads in each layer", () => {
    const { caches } = llamaGraph();
    expect(caches.map(({ axis, headDim, headsPerKvHead }) => [axis.n, headDim, headsPerKvHead])).toEqual([
      [2, 24, 2],
      [2, 24, 2],
    ]);
  });

  test("shards meet behind the embedding and four times a layer", () => {
    const meetings = llamaGraph().ops.filter(({ kind }) => kind === "gather" || kind === "embed");
    expect(meetings.length).toBe(1 + 2 * 4);
  });

  test("takes divisors of angles, biases and fused matrices from files that have them", () => {
    const rolesOf = ({ weights }: Graph): string[] => weights.map(({ role }) => role);
    const plain = rolesOf(llamaGraph());
    const more = ["rope_freqs.weight", "blk.1.attn_k.bias", "blk.0.ffn_down.bias"];
    expect(
      rolesOf(llamaGraph(...more))
        .filter((role) => !plain.includes(role))
        .sort(),
    ).toEqual(more.toSorted());
    const fused = llamaGraph("blk.0.attn_qkv.weight").weights.filter(({ role }) =>
      /^blk\.0\.attn_(q|k|v|qkv)/.test(role),
    );
    expect(fused.map(({ role, firstRow }) => [role, firstRow])).toEqual([
      ["blk.0.attn_qkv.weight", 0],
      ["blk.0.attn_qkv.weight", 96],
      ["blk.0.attn_qkv.weight", 144],
    ]);
  });

  test("works out the angles once", () => {
    expect(llamaGraph().ops.filter(({ kind }) => kind === "angles").length).toBe(1);
  });
});

describe("every graph", () => {
  const { ops, values, axes, weights } = llamaGraph();

  test("writes a value before it is read", () => {
    const written = new Set<Value>();
    for (const { reads, writes } of ops) {
      for (const value of reads) expect(written).toContain(value);
      for (const value of writes) written.add(value);
    }
    expect(written).toEqual(new Set(values));
  });

  test("uses the two exchange areas in turn", () => {
    const slots = ops.flatMap((op) => (op.kind === "gather" || op.kind === "embed" ? [op.slot] : []));
    expect(slots).toEqual(slots.map((_, i) => i % 2));
  });

  test("numbers values, axes and weights", () => {
    for (const list of [values, axes, weights]) expect(list.map(({ id }) => id)).toEqual(list.map((_, i) => i));
  });

  test("can be sent to a worker", () => {
    expect(structuredClone({ ops, values })).toEqual({ ops, values });
  });

  test("says when a value is done with", () => {
    const last = lastUses(ops);
    for (const [i, { reads, writes }] of ops.entries()) {
      for (const value of [...reads, ...writes]) expect(last.get(value)).toBeGreaterThanOrEqual(i);
    }
  });
});

describe("the builder", () => {
  test("takes biases that are there, and a part of a fused tensor", () => {
    const asked: Weight[] = [];
    const g = new GraphBuilder({ has: (role) => role === "qkv.bias", onWeight: (weight) => asked.push(weight) });
    const x = g.embed("e", 10, 8);
    const heads = g.axis("heads", 2);
    const fused = (first: number) => ({ first, of: 16 });
    g.project(
      x,
      { name: "qkv", rows: 8, axis: heads, bias: "optional", fused: fused(0) },
      { name: "qkv", rows: 4, axis: heads, bias: "optional", fused: fused(8) },
      { name: "qkv", rows: 4, axis: heads, fused: fused(12) },
    );
    expect(asked.map(({ role, shape, tensorShape, firstRow }) => [role, shape, tensorShape, firstRow])).toEqual([
      ["e.weight", [10, 8], [10, 8], 0],
      ["qkv.weight", [8, 8], [16, 8], 0],
      ["qkv.bias", [8], [16], 0],
      ["qkv.weight", [4, 8], [16, 8], 8],
      ["qkv.bias", [4], [16], 8],
      ["qkv.weight", [4, 8], [16, 8], 12],
    ]);
    expect(g.has("other")).toBe(false);
  });

  test("takes the factor of a matrix from files that have it, and records factors", () => {
    const g = new GraphBuilder({ has: (role) => role === "q.scale" });
    const x = g.scale(g.embed("e", 10, 8), 3);
    const axis = g.rows("c", 8);
    g.project(x, { name: "q", rows: 8, axis }, { name: "k", rows: 8, axis });
    g.scale(x, "s");
    const [, scaled, project, named] = g.graph.ops;
    expect(scaled).toMatchObject({ kind: "scale", x, by: 3 });
    expect(project).toMatchObject({ products: [{ scale: { role: "q.scale", shape: [1] } }, { scale: undefined }] });
    expect(named).toMatchObject({ kind: "scale", x, by: { role: "s.weight", shape: [1] } });
  });

  test("stops where a tensor is refused", () => {
    const g = new GraphBuilder({
      ...everything,
      onWeight() {
        throw new Error("no such tensor");
      },
    });
    expect(() => g.embed("e", 10, 8)).toThrow("no such tensor");
  });

  test.each<[string, (g: GraphBuilder, x: Value) => unknown]>([
    ["a norm of heads that do not divide", (g, x) => g.headNorm(x, "n", 5, 1e-6)],
    [
      "more rotated channels than a head has",
      (g, x) => g.rope(x, g.angles({ nRot: 6, base: 1, scale: 1 }), 4, "halves"),
    ],
    ["rows that heads cannot share", (g, x) => g.project(x, { name: "q", rows: 7, axis: g.axis("heads", 2) })],
    ["a sum of two widths", (g, x) => g.add(x, g.project(x, { name: "q", rows: 4, axis: g.rows("c", 4) })[0])],
    ["heads that are whole", (g, x) => g.attend({ q: x, k: x, v: x, headDim: 4, scale: 1 })],
    [
      "a gate that is cut and an input that is not",
      (g, x) => g.gate("silu", g.project(x, { name: "q", rows: 8, axis: g.rows("c", 8) })[0], x),
    ],
  ])("refuses %s", (_, record) => {
    const g = new GraphBuilder(everything);
    expect(() => record(g, g.embed("e", 10, 8))).toThrow(RangeError);
  });

  test("records attention with a window, a cap and sinks, which are cut with the heads", () => {
    const g = new GraphBuilder(everything);
    const axis = g.axis("heads", 2);
    const x = g.embed("e", 10, 8);
    const [q, k] = g.project(x, { name: "q", rows: 16, axis }, { name: "k", rows: 8, axis });
    const common = { q, k, v: k, headDim: 4, scale: 1 };
    g.attend({ ...common, window: 3, softCap: 50, sinks: "s" });
    expect(g.graph.ops.at(-1)).toMatchObject({ window: 3, softCap: 50, sinks: { role: "s.weight", shape: [4], axis } });
    for (const wrong of [{ window: 0 }, { window: 1.5 }, { softCap: 0 }, { softCap: Number.NaN }]) {
      expect(() => g.attend({ ...common, ...wrong })).toThrow(RangeError);
    }
  });

  test("records experts: tensors of one dimension more, a row for each expert of a token", () => {
    const asked: Weight[] = [];
    const g = new GraphBuilder({ has: (role) => role === "down.scale", onWeight: (weight) => asked.push(weight) });
    const x = g.embed("e", 10, 8);
    const inner = { rows: 24, axis: g.rows("inner", 24) };
    const logits = g.project(x, { name: "router", rows: 5, axis: g.rows("experts", 5) })[0];
    const route = g.route(logits, { scores: "sigmoid", nUsed: 2, isNormalised: true, bias: "b" });
    const fused = (first: number) => ({ name: "both", ...inner, fused: { first, of: 48 } });
    const [gate, up] = g.experts(x, route, 5, fused(0), fused(24));
    const out = { name: "down", rows: 8, axis: g.rows("channels", 8), bias: "required" as const };
    const [down] = g.experts(g.gate("silu", gate, up), route, 5, out);
    const mixed = g.mix(down, route);
    expect([route.width, gate.perToken, gate.width, down.perToken, mixed.perToken, mixed.width]).toEqual([
      4, 2, 24, 2, 1, 8,
    ]);
    expect(
      asked.slice(2).map(({ role, shape, tensorShape, firstRow }) => [role, shape, tensorShape, firstRow]),
    ).toEqual([
      ["b.bias", [5], [5], 0],
      ["both.weight", [24, 8], [5, 48, 8], 0],
      ["both.weight", [24, 8], [5, 48, 8], 24],
      ["down.weight", [8, 24], [5, 8, 24], 0],
      ["down.scale", [5], [5], 0],
      ["down.bias", [8], [5, 8], 0],
    ]);
    // logits, what is inside of the experts
    expect(g.graph.ops.filter(({ kind }) => kind === "gather").length).toBe(2);
    expect(() => g.mix(x, route)).toThrow("1 rows for 2 experts");
    expect(() => g.route(logits, { scores: "softmax", nUsed: 6, isNormalised: true })).toThrow("choose 6 of 5");
    expect(() => g.add(x, down)).toThrow(RangeError);
  });

  test("takes a tensor of one dimension for the only row of a matrix", () => {
    const g = new GraphBuilder({ has: () => false });
    g.project(g.embed("e", 10, 8), { name: "v", rows: 1, axis: g.rows("gate", 1), isVector: true });
    expect(g.graph.weights[1]).toMatchObject({ shape: [1, 8], tensorShape: [8] });
  });

  test("refuses queries of other heads than the keys", () => {
    const g = new GraphBuilder(everything);
    const axis = g.axis("heads", 2);
    const [q, k] = g.project(g.embed("e", 10, 8), { name: "q", rows: 8, axis }, { name: "k", rows: 6, axis });
    expect(() => g.attend({ q, k, v: k, headDim: 4, scale: 1 })).toThrow("no heads of 4");
  });
});
