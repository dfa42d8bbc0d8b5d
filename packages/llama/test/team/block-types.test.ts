// Every type of weights in the fast engine: the logits of the scalar engine, and hardly more memory than the file.

import { BLOCK_TYPES, blockInfo, rowBytes } from "@ll/quant";
import { describe, expect, test } from "vitest";
import {
  configFromGgml,
  createScalarModel,
  expectedTensors,
  loadWeights,
  type ModelConfig,
  modelMemory,
  type SourceTensor,
  type TensorSource,
} from "../../src/index.ts";
import { logitsInBatches, randomTensors, sourceOf } from "../support/hand-made.ts";
import { FAST_KERNELS, loadForTest } from "./support/engines.ts";

const TYPES = BLOCK_TYPES.filter((type) => blockInfo(type).isWeightType);
const TOKENS = [1, 70, 3, 99, 12, 70, 5];

/** A shape whose rows fill whole blocks of 256. */
function configOf(nVocab: number, nEmbd: number, nLayer: number): ModelConfig {
  return configFromGgml({ nVocab, nEmbd, nMult: 256, nHead: 4, nLayer, nRot: nEmbd / 4, ftype: 0 });
}

// team.prop.test.ts has models of every type
describe.each(TYPES.filter((type) => type === "bf16" || !blockInfo(type).canPack))("%s", (type) => {
  const config = configOf(100, 256, 1);
  const source = sourceOf(config, randomTensors(config), type);

  test.each(["build803", "lanes"] as const)(
    "%s: all kernels compute what the scalar engine computes",
    async (arithmetic) => {
      const scalar = createScalarModel(await loadWeights(source, config), { arithmetic });
      const expected = await logitsInBatches(scalar, TOKENS, 7);
      expect(expected.every(Number.isFinite)).toBe(true);
      expect(new Set(expected).size).toBeGreaterThan(500);
      // on 1, 2 and 3 threads; team.slow.test.ts draws other pairs
      for (const [i, kernels] of FAST_KERNELS.entries()) {
        const threads = arithmetic === "lanes" ? 1 + (i % 3) : 1;
        const model = await loadForTest(source, config, { kernels, threads, arithmetic });
        expect(model.kernels).toBe(kernels.replace(/-.*/, ""));
        expect(await logitsInBatches(model, TOKENS, 3)).toEqual(expected);
      }
    },
  );
});

/** The tensors of a model whose matrices are of `type`, of which nothing can be read. */
function unreadSource(config: ModelConfig, type: string): TensorSource {
  const tensors = new Map(
    [...expectedTensors(config)].map(([name, shape]): [string, SourceTensor] => {
      const tensorType = shape.length === 1 ? "f32" : type;
      const byteLength = (shape.length === 1 ? 1 : shape[0]!) * rowBytes(tensorType, shape.at(-1)!);
      return [name, { name, type: tensorType, shape, byteLength, read: () => Promise.reject(new Error("was read")) }];
    }),
  );
  return { names: () => tensors.keys(), tensor: (name) => tensors.get(name) };
}

test.each(TYPES)("%s takes at most a twentieth more memory than its tensors", async (type) => {
  // what layers add, without what the engine works in
  const [one, five] = await Promise.all(
    [1, 5].map(async (nLayer) => {
      const config = configOf(256, 2048, nLayer);
      const source = unreadSource(config, type);
      const bytes = [...source.names()].reduce((sum, name) => sum + source.tensor(name)!.byteLength, 0);
      const { model } = await modelMemory(source, config, { threads: 1, contextTokens: 8 });
      return { bytes, memory: model };
    }),
  );
  expect(five!.memory - one!.memory).toBeLessThanOrEqual(1.05 * (five!.bytes - one!.bytes));
});
