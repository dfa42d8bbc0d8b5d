import { type Graph, lastUses } from "@ll/architectures";
import type { SourceTensor } from "@ll/bytes";
import { rowBytes } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { MemoryError } from "../../src/errors.ts";
import { configFromGgml, type ModelConfig } from "../../src/index.ts";
import { graphOf } from "../../src/model-graph.ts";
import { opKind } from "../../src/ops/index.ts";
import type { KernelSizes, Span } from "../../src/team/layout.ts";
import { cutAxes, MAX_MEMORY_BYTES, planTeam, type TeamPlan } from "../../src/team/planner.ts";
import { cutEvenly, type Range, sizeOf } from "../../src/team/ranges.ts";
import type { FoundTensors } from "../../src/weights.ts";

const GIB = 2 ** 30;

const CONFIGS: Record<string, ModelConfig> = {
  "7b": configFromGgml({ nVocab: 32000, nEmbd: 4096, nMult: 256, nHead: 32, nLayer: 32, nRot: 128, ftype: 2 }),
  "13b": configFromGgml({ nVocab: 32000, nEmbd: 5120, nMult: 256, nHead: 40, nLayer: 40, nRot: 128, ftype: 2 }),
  "70b": configFromGgml(
    { nVocab: 32000, nEmbd: 8192, nMult: 4096, nHead: 64, nLayer: 80, nRot: 128, ftype: 2 },
    { nKvHeads: 8 },
  ),
  "1.1b": {
    ...configFromGgml({ nVocab: 32000, nEmbd: 2048, nMult: 256, nHead: 32, nLayer: 22, nRot: 64, ftype: 2 }),
    nKvHeads: 4,
  },
  tiny: configFromGgml({ nVocab: 97, nEmbd: 24, nMult: 8, nHead: 3, nLayer: 1, nRot: 8, ftype: 0 }),
};

/** Sizes as if rows were kept as they are in files, 8 at a time. */
const SIZES: KernelSizes = {
  weightBytes: (type, nRows, columns) => Math.ceil(nRows / 8) * 8 * rowBytes(type, columns),
  activationBytes: (_, nVectors, columns) => nVectors * columns * 2,
  scratchBytes: 4096,
  llamaScratchBytes: 65536,
  cacheBytes: ({ caches }, share, tokens) =>
    caches.reduce((sum, { axis, headDim }) => sum + 4 * tokens * sizeOf(share[axis.id]!) * headDim, 0),
};

type Found = Pick<FoundTensors, "graph" | "tensors">;

/** Every matrix of the same type, under the roles as names. */
function foundOf(graph: Graph, type: string): Found {
  const tensorOf = (form: string) => ({ type: form === "numbers" ? "f32" : type }) as SourceTensor;
  const { weights } = graph;
  return { graph, tensors: new Map(weights.map(({ role, form }) => [role, { name: role, tensor: tensorOf(form) }])) };
}

const LIMITS = { sliceTokens: 128, memoryLimitBytes: MAX_MEMORY_BYTES, reservedTokens: 2048 };

function planOf(name: string, type: string, options: Partial<typeof LIMITS> & { readonly threads: number }): TeamPlan {
  const config = CONFIGS[name]!;
  return planTeam(foundOf(graphOf(config), type), SIZES, { ...LIMITS, ...options });
}

/** Ranges that cover 0 … n, each beginning where the one before ends. */
function expectPartition(ranges: readonly Range[], n: number): void {
  expect(ranges[0]?.start).toBe(0);
  expect(ranges.at(-1)?.end).toBe(n);
  for (const [i, range] of ranges.entries()) {
    expect(range.end).toBeGreaterThanOrEqual(range.start);
    if (i > 0) expect(range.start).toBe(ranges[i - 1]?.end);
  }
}

/** No two overlap, all are aligned. */
function expectApart(spans: readonly Span[], end: number): void {
  const ordered = spans.filter(({ bytes }) => bytes > 0).sort((a, b) => a.address - b.address);
  for (const [i, { address, bytes }] of ordered.entries()) {
    expect(address % 64).toBe(0);
    expect(address + bytes).toBeLessThanOrEqual(ordered[i + 1]?.address ?? end);
  }
}

describe("cutEvenly", () => {
  test.each([
    [100, 1, 8],
    [100, 3, 8],
    [4, 3, 1],
    [2, 5, 1],
    [32000, 7, 8],
    [0, 2, 8],
  ])("%i in %i parts of multiples of %i", (n, nParts, unit) => {
    const ranges = cutEvenly(n, nParts, unit);
    expectPartition(ranges, n);
    for (const { start } of ranges) expect(start % unit === 0 || start === n).toBe(true);
    const units = ranges.map((range) => Math.ceil(sizeOf(range) / unit));
    expect(Math.max(...units) - Math.min(...units)).toBeLessThanOrEqual(1);
  });
});

describe("cutAxes", () => {
  const shapes = Object.keys(CONFIGS).flatMap((name) => [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [name, n] as const));
  test.each(shapes)("%s over %i shards gives every unit of every axis to one of them", (name, nShards) => {
    const { axes } = graphOf(CONFIGS[name]!);
    const shares = cutAxes(axes, nShards);
    expect(shares.length).toBe(nShards);
    for (const { id, n } of axes) {
      expectPartition(
        shares.map((share) => share[id]!),
        n,
      );
    }
  });
});

describe("planTeam", () => {
  test.each([
    ["7b", "q4_0", 1, 2], // 3.9 GB of weights and 1 GiB of cache
    ["7b", "q4_0", 2, 2],
    ["13b", "q4_0", 2, 4], // 7.3 GB and 1.6 GiB
    ["13b", "q4_0", 3, 3],
    ["70b", "q4_0", 8, 16],
    ["70b", "q4_0", 4, 12],
    ["1.1b", "f16", 3, 3],
  ])("%s %s on %i threads takes %i shards", (name, type, threads, nShards) => {
    const { shards } = planOf(name, type, { threads });
    expect(shards.length).toBe(nShards);
    const perThread = nShards / threads;
    expect(shards.map(({ thread }) => thread)).toEqual(shards.map((_, i) => Math.floor(i / perThread)));
    const graph = graphOf(CONFIGS[name]!);
    for (const { layout, share } of shards) {
      expect(layout.bytes + SIZES.cacheBytes(graph, share, 2048, 128)).toBeLessThanOrEqual(4 * GIB);
    }
  });

  test("places no weight on top of anything else, and weights in the order of their use", () => {
    for (const { layout } of planOf("1.1b", "q4_0", { threads: 3 }).shards) {
      const { kernelScratch, llamaScratch, staging, weights, values, scratch } = layout;
      const work = Math.max(
        staging.address + staging.bytes,
        ...values.map(({ address, width }) => address + 4 * 128 * width),
        ...scratch.map(({ address, bytes }) => address + bytes),
      );
      const spans = [
        { address: kernelScratch, bytes: SIZES.scratchBytes },
        { address: llamaScratch, bytes: SIZES.llamaScratchBytes },
        { address: staging.address, bytes: work - staging.address },
        ...weights,
      ];
      expectApart(spans, layout.bytes);
      const addresses = weights.map(({ address }) => address);
      expect(addresses).toEqual(addresses.toSorted((a, b) => a - b));
    }
  });

  test.each([
    ["tiny", "f32", 16, 2],
    ["1.1b", "q4_0", 128, 3],
  ])("%s: values that are needed at the same time lie apart", (name, type, sliceTokens, threads) => {
    const { ops, values } = graphOf(CONFIGS[name]!);
    const last = lastUses(ops);
    for (const { layout } of planOf(name, type, { threads, sliceTokens }).shards) {
      const spanOf = (id: number): Span => {
        const { address, width } = layout.values[id]!;
        return { address, bytes: 4 * sliceTokens * width };
      };
      for (const [i, { writes }] of ops.entries()) {
        const written = ops.slice(0, i + 1).flatMap((op) => op.writes);
        const needed = [...new Set(written)].filter((value) => last.get(value)! >= i);
        expect(needed).toEqual(expect.arrayContaining([...writes]));
        expectApart([...needed.map(({ id }) => spanOf(id)), layout.scratch[i]!], layout.weights[0]!.address);
      }
      expect(layout.values.length).toBe(values.length);
    }
  });

  test("reuses the memory of values that are done with", () => {
    const [{ layout }] = planOf("1.1b", "q4_0", { threads: 1 }).shards as [TeamPlan["shards"][0]];
    const all = layout.values.reduce((sum, { width }) => sum + 4 * 128 * width, 0);
    const start = Math.min(...layout.values.map(({ address }) => address));
    expect(layout.weights[0]!.address - start).toBeLessThan(all / 10);
  });

  test("gives every operation the working memory that it asks for", () => {
    const config = CONFIGS["tiny"]!;
    const graph = graphOf(config);
    const { tensors } = foundOf(graph, "f32");
    const { ops } = graph;
    for (const { layout } of planOf("tiny", "f32", { threads: 2, sliceTokens: 16 }).shards) {
      const sizes = {
        ...SIZES,
        sliceTokens: 16,
        typeOf: ({ role }: { role: string }) => tensors.get(role)!.tensor.type,
        isRepacked: () => false,
      };
      expect(layout.scratch.map(({ bytes }) => bytes)).toEqual(
        ops.map((op) => opKind(op).scratchBytes?.(op, sizes) ?? 0),
      );
    }
  });

  test("has an embedding that is the output matrix, too, once, and reads it once", () => {
    const config = CONFIGS["1.1b"]!;
    const graph = graphOf(config, { has: () => false });
    const [rows, matrix] = graph.weights.filter(({ role }) => role === "token_embd.weight");
    for (const { layout } of planTeam(foundOf(graph, "q4_0"), SIZES, { ...LIMITS, threads: 3 }).shards) {
      expect(layout.weights[rows!.id]).toBe(layout.weights[matrix!.id]);
      expect(layout.loadOrder.filter((id) => layout.weights[id]?.name === "token_embd.weight")).toEqual([matrix!.id]);
    }
  });

  test("holds every byte of the weights once", () => {
    const { shards } = planOf("70b", "q4_0", { threads: 8 });
    for (const { id, form, shape, role } of graphOf(CONFIGS["70b"]!).weights) {
      const parts = shards.map(({ layout }) => layout.weights[id]!);
      if (form === "numbers") {
        for (const { bytes } of parts) expect(bytes).toBe(4 * shape[0]!); // a norm: every shard has all of it
        continue;
      }
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      expect([role, bytes]).toEqual([role, shape[0]! * rowBytes("q4_0", shape[1]!)]);
      expectPartition(
        parts.map(({ rows }) => rows),
        shape[0]!,
      );
    }
  });

  test("loads weights in the order of the source", () => {
    const config = CONFIGS["tiny"]!;
    const graph = graphOf(config);
    const reversed = new Map([...foundOf(graph, "f32").tensors].reverse());
    const { shards } = planTeam({ graph, tensors: reversed }, SIZES, { ...LIMITS, threads: 2 });
    for (const { layout } of shards) {
      expect(layout.loadOrder.map((id) => graph.weights[id]!.role)).toEqual([...reversed.keys()]);
    }
  });

  test("says how much is missing if no number of shards fits", () => {
    const plan = (): unknown => planOf("7b", "q4_0", { threads: 2, memoryLimitBytes: 2 ** 20 });
    expect(plan).toThrow(MemoryError);
    expect(plan).toThrow(expect.objectContaining({ code: "E_NOMEM", have: 2 ** 20 }));
    try {
      plan();
    } catch (error) {
      expect((error as MemoryError).need).toBeGreaterThan(2 ** 20);
    }
  });
});

test("there is room for eight rows of a file, also where they are more than is read at a time, and where there are fewer", () => {
  for (const [nVocab, nEmbd] of [
    [64, 40_000],
    [3, 64],
  ] as const) {
    const config = configFromGgml({ nVocab, nEmbd, nMult: 32, nHead: 2, nLayer: 1, nRot: nEmbd / 2, ftype: 0 });
    const graph = graphOf(config);
    const { shards } = planTeam(foundOf(graph, "f32"), SIZES, {
      ...LIMITS,
      threads: 1,
      sliceTokens: 1,
      memoryLimitBytes: 2 ** 40,
    });
    const longest = Math.max(...graph.weights.filter(({ form }) => form !== "numbers").map(({ shape }) => shape[1]!));
    for (const { layout } of shards) expect(layout.staging.bytes).toBeGreaterThanOrEqual(8 * 4 * longest);
  }
});
