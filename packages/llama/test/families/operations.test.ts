// Tensors that a file of any family may have besides, on random weights: what they do, and that the fast engine does the same.

import { describe, expect, test } from "vitest";
import { createScalarModel, loadWeights, type ModelConfig } from "../../src/index.ts";
import { ggufSource, logitsInBatches, smallConfig } from "../support/hand-made.ts";
import { loadForTest } from "../team/support/engines.ts";

const TOKENS = [1, 5, 9, 33, 7, 2, 90, 41, 3];

async function logitsOf(
  config: ModelConfig,
  tensors: Record<string, readonly number[] | number>,
): Promise<Float32Array> {
  const source = ggufSource(config, tensors);
  const bits = await logitsInBatches(createScalarModel(await loadWeights(source, config)), TOKENS, 9);
  for (const threads of [1, 3]) {
    const fast = await loadForTest(source, config, { threads });
    expect(await logitsInBatches(fast, TOKENS, 4)).toEqual(bits);
  }
  return bits;
}

describe("NAME.scale", () => {
  const config = smallConfig({ nKvHeads: 2 });

  test("multiplies a product before its bias is added", async () => {
    const plain = await logitsOf(config, {});
    // a power of two may as well be taken off the matrix
    const half = { "blk.1.attn_q.weight": 0.5, "blk.1.attn_q.scale": [2] };
    expect(await logitsOf(config, half)).toEqual(plain);
    const biased = await logitsOf(config, { "blk.1.attn_q.bias": 1 });
    expect(biased).not.toEqual(plain);
    expect(await logitsOf(config, { ...half, "blk.1.attn_q.bias": 1 })).toEqual(biased);
  });

  test("has one number", async () => {
    await expect(logitsOf(config, { "blk.1.ffn_down.scale": [2, 2] })).rejects.toMatchObject({
      code: "E_SHAPE",
      field: "blk.1.ffn_down.scale",
    });
  });
});
