import { describe, expect, test } from "vitest";
import { assertConfig, configFromGgml, type GgmlHyperParams } from "../src/index.ts";
import { smallConfig } from "./support/hand-made.ts";

function llama(nEmbd: number, nHead: number, nLayer: number, nMult = 256): GgmlHyperParams {
  return { nVocab: 32000, nEmbd, nMult, nHead, nLayer, nRot: nEmbd / nHead, ftype: 2 };
}

describe("feed-forward size", () => {
  test.each([
    ["3B", llama(3200, 32, 26, 216), 8640],
    ["7B", llama(4096, 32, 32), 11008],
    ["13B", llama(5120, 40, 40), 13824],
    ["30B", llama(6656, 52, 60), 17920],
    ["65B", llama(8192, 64, 80), 22016],
  ])("%s", (_, file, nFf) => {
    expect(configFromGgml(file).nFf).toBe(nFf);
  });

  test("LLaMA-2 70B is known by 80 layers and 8 query heads per key head", () => {
    expect(configFromGgml(llama(8192, 64, 80, 4096), { nKvHeads: 8 }).nFf).toBe(28672);
    expect(configFromGgml(llama(8192, 64, 80, 4096), { nKvHeads: 16 }).nFf).toBe(24576);
  });
});

describe("defaults and overrides", () => {
  test("a ggml file alone means build 803", () => {
    const config = configFromGgml(llama(4096, 32, 32));
    expect(config).toMatchObject({ nKvHeads: 32, ropeFreqBase: 10000, ropeFreqScale: 1 });
    expect(config.rmsNormEps).toBe(Math.fround(1e-6));
  });

  test("overrides are held as f32", () => {
    expect(configFromGgml(llama(4096, 32, 32), { rmsNormEps: 1e-5 }).rmsNormEps).toBe(Math.fround(1e-5));
  });

  test("heads share the channels", () => {
    expect(smallConfig({ nKvHeads: 2 })).toMatchObject({ nEmbd: 64, nHeads: 4, nKvHeads: 2, headDim: 16 });
  });
});

describe("refuses", () => {
  const config = smallConfig();
  test.each([
    ["no vocabulary", { ...config, nVocab: 0 }, "nVocab"],
    ["a fraction of a layer", { ...config, nLayers: 1.5 }, "nLayers"],
    ["a count that is no number", { ...config, nFf: Number.NaN }, "nFf"],
    ["more than 2^31 channels", { ...config, nEmbd: 2 ** 31 }, "nEmbd"],
    ["an odd head, which has no pairs to rotate", { ...config, headDim: 15 }, "headDim"],
    ["key heads that do not divide the heads", { ...config, nKvHeads: 3 }, "nKvHeads"],
    ["epsilon 0", { ...config, rmsNormEps: 0 }, "rmsNormEps"],
    ["a negative RoPE base", { ...config, ropeFreqBase: -1 }, "ropeFreqBase"],
    ["an infinite RoPE scale", { ...config, ropeFreqScale: Number.POSITIVE_INFINITY }, "ropeFreqScale"],
  ])("%s", (_, bad, field) => {
    expect(() => assertConfig(bad)).toThrow(expect.objectContaining({ name: "ModelError", code: "E_HPARAM", field }));
  });

  test("heads that do not divide the channels of a ggml file", () => {
    const file = llama(4096, 30, 32);
    expect(() => configFromGgml(file)).toThrow(expect.objectContaining({ code: "E_HPARAM", field: "nHeads" }));
  });

  test("n_mult 0, by which the feed-forward size would be divided", () => {
    const file = llama(4096, 32, 32, 0);
    expect(() => configFromGgml(file)).toThrow(expect.objectContaining({ code: "E_HPARAM", field: "n_mult" }));
  });
});
