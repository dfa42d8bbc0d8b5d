// Small models of every shape, for properties: shared heads, ragged rows, all kinds of blocks.

import { fc } from "@fast-check/vitest";
import { BLOCK_TYPES, blockInfo } from "@ll/quant";
import { expect } from "vitest";
import {
  createScalarModel,
  type KvTypes,
  loadWeights,
  type MemoryError,
  type ModelConfig,
  type TensorSource,
} from "../../../src/index.ts";
import { loadTeamModel, type TeamInternals } from "../../../src/team/load-model.ts";
import { logitsInBatches, randomTensors, sourceOf } from "../../support/hand-made.ts";
import { FAST_KERNELS } from "./engines.ts";

const WEIGHT_TYPES = BLOCK_TYPES.filter((type) => blockInfo(type).isWeightType);

export const randomCases = fc.record({
  type: fc.constantFrom(...WEIGHT_TYPES),
  nKvHeads: fc.integer({ min: 1, max: 5 }),
  headsPerKvHead: fc.integer({ min: 1, max: 3 }),
  headDim: fc.integer({ min: 1, max: 20 }).map((half) => 2 * half),
  nFf: fc.integer({ min: 1, max: 150 }),
  nVocab: fc.integer({ min: 2, max: 100 }),
  nLayers: fc.integer({ min: 1, max: 2 }),
  seed: fc.nat(1000),
  tier: fc.constantFrom(...FAST_KERNELS),
  kvType: fc.constantFrom<KvTypes>("f16", "f32", "q8_0", { k: "f16", v: "q8_0" }),
  sliceTokens: fc.integer({ min: 1, max: 12 }),
  nTokens: fc.integer({ min: 1, max: 40 }),
  batchTokens: fc.integer({ min: 1, max: 40 }),
  /** What a shard's memory may take, as a multiple of the least possible. */
  memoryFactor: fc.constantFrom(1, 1.02, 1.2, 1000),
});

export type RandomCase = typeof randomCases extends fc.Arbitrary<infer Case> ? Case : never;

function configOf({ type, nKvHeads, headsPerKvHead, headDim, nFf, nVocab, nLayers }: RandomCase): ModelConfig {
  const architecture = "llama";
  const others = {
    ...{ rmsNormEps: Math.fround(1e-6), ropeFreqBase: 10000, ropeFreqScale: 1, nMult: 1, nRot: 2, ftype: 0 },
    arithmetic: "build803",
  } as const;
  const { blockValues } = blockInfo(type);
  if (blockValues === 1) {
    const nHeads = nKvHeads * headsPerKvHead;
    const nEmbd = 2 + 7 * headDim; // heads may have more or fewer channels together
    return { architecture, nVocab, nEmbd, nHeads, nKvHeads, headDim, nLayers, nFf, ...others };
  }
  // rows have whole blocks: a power of two of heads divides them
  const heads = { nKvHeads: 2 ** (nKvHeads % 3), nHeads: 2 ** ((nKvHeads % 3) + (headsPerKvHead % 2)) };
  const whole = (size: number): number => Math.ceil(size / blockValues) * blockValues;
  const nEmbd = whole(8 * headDim);
  const sizes = { nVocab, nEmbd, ...heads, headDim: nEmbd / heads.nHeads, nLayers, nFf: whole(nFf) };
  return { architecture, ...sizes, ...others };
}

/** Loads with as many shards as the case's memory wants. */
async function loadShards(source: TensorSource, config: ModelConfig, one: RandomCase, threads: number) {
  const options = { threads, kernels: one.tier };
  const internals: TeamInternals = { sliceTokens: one.sliceTokens, reservedTokens: 200 };
  const least = await loadTeamModel(source, config, options, { ...internals, memoryLimitBytes: 1 }).catch(
    (error: unknown) => (error as MemoryError).need,
  );
  expect(least).toBeTypeOf("number");
  const memoryLimitBytes = Math.ceil((Number(least) * one.memoryFactor) / 65536) * 65536;
  return loadTeamModel(source, config, options, { ...internals, memoryLimitBytes });
}

/** The team's logits and cache are those of the scalar engine. */
export async function expectTwins(one: RandomCase, threads: number): Promise<void> {
  const config = configOf(one);
  const { nTokens, batchTokens, kvType, seed, nVocab } = one;
  const source = sourceOf(config, randomTensors(config, seed), one.type);
  const tokens = Array.from({ length: nTokens }, (_, i) => (seed + i * 37) % nVocab);
  const options = { contextTokens: nTokens, kvType };

  const scalar = createScalarModel(await loadWeights(source, config));
  const team = await loadShards(source, config, one, threads);
  try {
    const expected = await logitsInBatches(scalar, tokens, nTokens, options);
    expect(await logitsInBatches(team, tokens, batchTokens, options)).toEqual(expected);
    const [fast, slow] = await Promise.all([team.createContext(options), scalar.createContext(options)]);
    await Promise.all([fast.evaluate(tokens, 0), slow.evaluate(tokens, 0)]);
    expect(await fast.readKv(nTokens)).toEqual(await slow.readKv(nTokens));
  } finally {
    await team.dispose();
  }
}
