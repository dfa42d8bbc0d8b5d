// Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245): heads that share keys and values compute what they would with
// a copy each. The fast engines are held against the scalar one elsewhere.

import { fc, test } from "@fast-check/vitest";
import { blockInfo } from "@ll/quant";
import { expect } from "vitest";
import { createScalarModel, loadWeights, type Model, type ModelConfig } from "../src/index.ts";
import { logitsInBatches, randomTensors, sourceOf } from "./support/hand-made.ts";

const shapes = fc.record({
  type: fc.constantFrom("f32", "f16", "q4_0", "q5_1", "q8_0"),
  kvType: fc.constantFrom("f16" as const, "f32" as const, "q8_0" as const),
  nKvHeads: fc.integer({ min: 1, max: 4 }),
  headsPerKvHead: fc.integer({ min: 2, max: 4 }),
  halfHead: fc.integer({ min: 1, max: 8 }),
  nLayers: fc.integer({ min: 1, max: 2 }),
  seed: fc.nat(100_000),
});

type Shape = typeof shapes extends fc.Arbitrary<infer One> ? One : never;

const N_VOCAB = 32;

function configOf({ type, nKvHeads, headsPerKvHead, halfHead, nLayers }: Shape): ModelConfig {
  const { blockValues } = blockInfo(type);
  const nHeads = nKvHeads * headsPerKvHead;
  let headDim = 2 * halfHead;
  while ((nHeads * headDim) % blockValues !== 0) headDim += 2; // rows have whole blocks
  const architecture = "llama";
  const others = {
    ...{ rmsNormEps: Math.fround(1e-6), ropeFreqBase: 10000, ropeFreqScale: 1, nMult: 1, nRot: 2, ftype: 0 },
    arithmetic: "build803",
  } as const;
  const nEmbd = nHeads * headDim;
  return { architecture, nVocab: N_VOCAB, nEmbd, nHeads, nKvHeads, headDim, nLayers, nFf: 32, ...others };
}

/** Rows of each head `times` over, one copy behind the other. */
function repeatHeads(rows: Float32Array, nKvHeads: number, times: number): Float32Array {
  const n = rows.length / nKvHeads;
  const repeated = new Float32Array(rows.length * times);
  for (let head = 0; head < nKvHeads * times; head++) {
    const shared = Math.floor(head / times);
    repeated.set(rows.subarray(shared * n, (shared + 1) * n), head * n);
  }
  return repeated;
}

/** The model, and the same with keys and values of its own for every head. */
async function sharedAndExpanded(shape: Shape): Promise<[Model, Model]> {
  const config = configOf(shape);
  const tensors = randomTensors(config, shape.seed);
  const expanded = new Map(tensors);
  for (const [name, values] of tensors) {
    if (!/attention\.w[kv]\./.test(name)) continue;
    expanded.set(name, repeatHeads(values, shape.nKvHeads, shape.headsPerKvHead));
  }
  const load = async (one: ModelConfig, values: typeof tensors) =>
    createScalarModel(await loadWeights(sourceOf(one, values, shape.type), one));
  return [await load(config, tensors), await load({ ...config, nKvHeads: config.nHeads }, expanded)];
}

const tokens = fc.array(fc.nat(N_VOCAB - 1), { minLength: 1, maxLength: 12 });
const batchTokens = fc.integer({ min: 1, max: 12 });

test.prop([shapes, tokens, batchTokens, batchTokens])(
  "shared key and value heads equal their expansion, bit for bit",
  async (shape, ids, batch, otherBatch) => {
    const [shared, expanded] = await sharedAndExpanded(shape);
    const { kvType } = shape;
    const expected = await logitsInBatches(expanded, ids, otherBatch, { kvType });
    expect(await logitsInBatches(shared, ids, batch, { kvType })).toEqual(expected);
  },
);
