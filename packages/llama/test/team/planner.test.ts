import { rowBytes } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { configFromGgml, expectedTensors, type ModelConfig } from "../../src/index.ts";
import type { ArenaLayout, KernelSizes, PlacedMatrix } from "../../src/team/arena.ts";
import { MemoryError } from "../../src/team/errors.ts";
import { cutModel, MAX_MEMORY_BYTES, planTeam } from "../../src/team/planner.ts";
import { cutEvenly, type Range, type ShardShare, sizeOf } from "../../src/team/ranges.ts";

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
  cacheBytes: (config, nKvHeads, tokens) => 4 * config.nLayers * tokens * nKvHeads * (config.nEmbd / config.nHeads),
};

function typesOf(config: ModelConfig, type: string): Map<string, string> {
  return new Map([...expectedTensors(config)].map(([name, shape]) => [name, shape.length === 1 ? "f32" : type]));
}

const LIMITS = { sliceTokens: 128, memoryLimitBytes: MAX_MEMORY_BYTES, reservedTokens: 2048 };

/** Ranges that cover 0 … n, each beginning where the one before ends. */
function expectPartition(ranges: readonly Range[], n: number): void {
  expect(ranges[0]?.start).toBe(0);
  expect(ranges.at(-1)?.end).toBe(n);
  for (const [i, range] of ranges.entries()) {
    expect(range.end).toBeGreaterThanOrEqual(range.start);
    if (i > 0) expect(range.start).toBe(ranges[i - 1]?.end);
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

describe("cutModel", () => {
  const shapes = Object.keys(CONFIGS).flatMap((name) => [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [name, n] as const));
  test.each(shapes)("%s over %i shards gives every row and head to one of them", (name, nShards) => {
    const config = CONFIGS[name]!;
    const shares = cutModel(config, nShards);
    expect(shares.length).toBe(nShards);
    const all = (pick: (share: ShardShare) => Range): Range[] => shares.map(pick);
    expectPartition(
      all(({ kvHeads }) => kvHeads),
      config.nKvHeads,
    );
    expectPartition(
      all(({ heads }) => heads),
      config.nHeads,
    );
    expectPartition(
      all(({ channels }) => channels),
      config.nEmbd,
    );
    expectPartition(
      all(({ ffChannels }) => ffChannels),
      config.nFf,
    );
    expectPartition(
      all(({ vocabRows }) => vocabRows),
      config.nVocab,
    );
    expectPartition(
      all(({ embeddingRows }) => embeddingRows),
      config.nVocab,
    );
    for (const { heads, kvHeads } of shares)
      expect(sizeOf(heads)).toBe((config.nHeads / config.nKvHeads) * sizeOf(kvHeads));
  });
});

function matricesOf({ tokEmbeddings, layers, output }: ArenaLayout): PlacedMatrix[] {
  return [tokEmbeddings, ...layers.flatMap(({ wq, wk, wv, wo, w1, w3, w2 }) => [wq, wk, wv, wo, w1, w3, w2]), output];
}

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
    const config = CONFIGS[name]!;
    const { shards } = planTeam(config, typesOf(config, type), SIZES, { ...LIMITS, threads });
    expect(shards.length).toBe(nShards);
    const perThread = nShards / threads;
    expect(shards.map(({ thread }) => thread)).toEqual(shards.map((_, i) => Math.floor(i / perThread)));
    for (const { layout, share } of shards) {
      expect(layout.bytes + SIZES.cacheBytes(config, sizeOf(share.kvHeads), 2048, 128)).toBeLessThanOrEqual(4 * GIB);
    }
  });

  test("places nothing on top of anything else, and weights in the order of their use", () => {
    const config = CONFIGS["1.1b"]!;
    for (const { layout } of planTeam(config, typesOf(config, "q4_0"), SIZES, { ...LIMITS, threads: 3 }).shards) {
      const vectors = [...layout.layers.flatMap(({ attentionNorm, ffnNorm }) => [attentionNorm, ffnNorm]), layout.norm];
      const spans = [
        { address: layout.scratch, bytes: SIZES.scratchBytes },
        { address: layout.llamaScratch, bytes: SIZES.llamaScratchBytes },
        layout.work.staging,
        ...matricesOf(layout),
        ...vectors.map(({ address, length }) => ({ address, bytes: 4 * length })),
      ].sort((a, b) => a.address - b.address);
      for (const [i, { address, bytes }] of spans.entries()) {
        expect(address % 64).toBe(0);
        expect(address + bytes).toBeLessThanOrEqual(spans[i + 1]?.address ?? layout.bytes);
      }
      const addresses = matricesOf(layout).map(({ address }) => address);
      expect(addresses).toEqual(addresses.toSorted((a, b) => a - b));
    }
  });

  test("keeps the arrays of a slice apart", () => {
    const config = CONFIGS["tiny"]!;
    const sliceTokens = 16;
    const plan = planTeam(config, typesOf(config, "f32"), SIZES, { ...LIMITS, threads: 2, sliceTokens });
    for (const { layout, share } of plan.shards) {
      const { input, packed, residual, q, k, v, attended, gate, up, angles } = layout.work;
      const rows = (columns: number): number => 4 * sliceTokens * columns;
      const spans = [
        [input, rows(config.nFf)],
        [packed, SIZES.activationBytes("f32", sliceTokens, config.nFf)],
        [residual, rows(sizeOf(share.channels))],
        [q, rows(sizeOf(share.heads) * 8)],
        [k, rows(sizeOf(share.kvHeads) * 8)],
        [v, rows(sizeOf(share.kvHeads) * 8)],
        [attended, rows(sizeOf(share.heads) * 8)],
        [gate, rows(Math.max(sizeOf(share.ffChannels), sizeOf(share.channels), 8))],
        [up, rows(sizeOf(share.ffChannels))],
        [angles, rows(8)],
      ] as const;
      for (const [i, [start, bytes]] of spans.entries()) {
        expect(start + bytes).toBeLessThanOrEqual(spans[i + 1]?.[0] ?? layout.tokEmbeddings.address);
      }
    }
  });

  test("holds every byte of the weights once", () => {
    const config = CONFIGS["70b"]!;
    const { shards } = planTeam(config, typesOf(config, "q4_0"), SIZES, { ...LIMITS, threads: 8 });
    const bytesOf = new Map<string, number>();
    for (const { layout } of shards) {
      for (const { name, bytes } of matricesOf(layout)) bytesOf.set(name, (bytesOf.get(name) ?? 0) + bytes);
    }
    for (const [name, shape] of expectedTensors(config)) {
      if (shape.length === 2) expect(bytesOf.get(name)).toBe(shape[0]! * rowBytes("q4_0", shape[1]!));
    }
  });

  test("says how much is missing if no number of shards fits", () => {
    const config = CONFIGS["7b"]!;
    const plan = (): unknown =>
      planTeam(config, typesOf(config, "q4_0"), SIZES, { ...LIMITS, threads: 2, memoryLimitBytes: 2 ** 20 });
    expect(plan).toThrow(MemoryError);
    expect(plan).toThrow(expect.objectContaining({ code: "E_NOMEM", have: 2 ** 20 }));
    try {
      plan();
    } catch (error) {
      expect((error as MemoryError).need).toBeGreaterThan(2 ** 20);
    }
  });
});
