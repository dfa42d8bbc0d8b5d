import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { checkLlamaTensors, llamaTensorShapes, modelSizeLabel, openGgml } from "../src/index.ts";
import { SMALL_HYPER, smallModel, smallTensors } from "./ggml-bytes.ts";

describe("sizes", () => {
  test.each([
    [26, "3B"],
    [32, "7B"],
    [40, "13B"],
    [60, "30B"],
    [80, "65B"],
    [1, "7B"],
    [31, "7B"],
    [33, "?B"],
    [1000, "?B"],
  ])("a model of %i layers is called %s", (nLayer, label) => {
    expect(modelSizeLabel(nLayer)).toBe(label);
  });
});

describe("the tensor set", () => {
  test("has three tensors and nine a layer, in the order of build 803", () => {
    const names = (nLayer: number) =>
      Array.from(
        llamaTensorShapes({ nVocab: 1, nEmbd: 2, nMult: 1, nHead: 1, nLayer, nRot: 2, ftype: 0 }),
        ({ name }) => name,
      );
    expect(names(1)).toEqual([
      "tok_embeddings.weight",
      "norm.weight",
      "output.weight",
      "layers.0.attention_norm.weight",
      "layers.0.attention.wq.weight",
      "layers.0.attention.wk.weight",
      "layers.0.attention.wv.weight",
      "layers.0.attention.wo.weight",
      "layers.0.ffn_norm.weight",
      "layers.0.feed_forward.w1.weight",
      "layers.0.feed_forward.w2.weight",
      "layers.0.feed_forward.w3.weight",
    ]);
    expect([32, 40, 60, 80].map((nLayer) => names(nLayer).length)).toEqual([291, 363, 543, 723]);
    expect(names(80).at(-1)).toBe("layers.79.feed_forward.w3.weight");
  });

  test("has the shapes of LLaMA 2 70B with its eight heads a group", () => {
    const hyperParams = { nVocab: 32_000, nEmbd: 8192, nMult: 4096, nHead: 64, nLayer: 80, nRot: 128, ftype: 1 };
    const shapes = new Map(Array.from(llamaTensorShapes(hyperParams, 8), ({ name, shape }) => [name, shape]));
    expect(shapes.get("layers.79.attention.wq.weight")).toEqual([8192, 8192]);
    expect(shapes.get("layers.79.attention.wk.weight")).toEqual([1024, 8192]);
    expect(shapes.get("layers.79.attention.wv.weight")).toEqual([1024, 8192]);
    expect(shapes.get("layers.79.feed_forward.w2.weight")).toEqual([8192, 28_672]);
    // both 80 layers and groups of 8 make it that model
    for (const [nLayer, nGqa] of [
      [79, 8],
      [80, 4],
    ] as const) {
      const others = Array.from(
        llamaTensorShapes({ ...hyperParams, nLayer }, nGqa),
        ({ name, shape }) => [name, shape] as const,
      );
      expect(new Map(others).get("layers.0.feed_forward.w2.weight")).toEqual([8192, 24_576]);
    }
  });

  test("reports problems in the order in which build 803 looks tensors up", async () => {
    // output.weight is missing and norm.weight misshapen, and the extra tensor comes first in the file
    const tensors = [
      { name: "extra", ne: [1] },
      ...smallTensors()
        .filter(({ name }) => name !== "output.weight")
        .map((tensor) => (tensor.name === "norm.weight" ? { ...tensor, ne: [7] } : tensor)),
    ];
    const file = await openGgml(memorySource(smallModel({ tensors })));
    expect(() => checkLlamaTensors(file)).toThrow("tensor 'norm.weight' has wrong shape; expected     8, got     7");
    const fixed = await openGgml(
      memorySource(
        smallModel({ tensors: tensors.map((tensor) => ({ ...tensor, ne: tensor.ne[0] === 7 ? [8] : tensor.ne })) }),
      ),
    );
    expect(() => checkLlamaTensors(fixed)).toThrow("tensor 'output.weight' is missing from model");
  });

  test("takes tensors in any order and any type", async () => {
    const hyper = [5, 32, 8, 2, 1, 16, 2];
    const nFf = 88; // not a multiple of a block, so w2 stays f16
    const tensors = Array.from(
      llamaTensorShapes({ nVocab: 5, nEmbd: 32, nMult: 8, nHead: 2, nLayer: 1, nRot: 16, ftype: 2 }),
      ({ name, shape }) => ({
        name,
        ne: [...shape].reverse(),
        type: shape.length === 1 ? 0 : shape[1] === nFf ? 1 : 2,
      }),
    ).reverse();
    const file = await openGgml(memorySource(smallModel({ hyper, tensors })));
    expect(() => checkLlamaTensors(file)).not.toThrow();
    expect(file.warnings).toEqual([]);
  });

  test("takes group sizes that divide the heads", async () => {
    const file = await openGgml(memorySource(smallModel()));
    for (const nGqa of [0, -1, 1.5, 3, Number.NaN]) expect(() => checkLlamaTensors(file, nGqa)).toThrow(RangeError);
    expect(() => checkLlamaTensors(file, 2)).toThrow("layers.0.attention.wk.weight");
    const grouped = smallTensors().map((tensor) =>
      /w[kv]\.weight/.test(String(tensor.name)) ? { ...tensor, ne: [8, 4] } : tensor,
    );
    const groupedFile = await openGgml(memorySource(smallModel({ hyper: SMALL_HYPER, tensors: grouped })));
    expect(() => checkLlamaTensors(groupedFile, 2)).not.toThrow();
  });
});
