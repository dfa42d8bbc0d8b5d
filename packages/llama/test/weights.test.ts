import { describe, expect, test } from "vitest";
import { expectedTensors, loadWeights, type SourceTensor, type TensorLoadedEvent } from "../src/index.ts";
import { randomTensors, smallConfig, sourceOf } from "./support/hand-made.ts";

const config = smallConfig();
const tensors = randomTensors(config);

test("reads every tensor of a hand-made source into its place", async () => {
  const weights = await loadWeights(sourceOf(config, tensors), config);
  expect(weights.tensors.size).toBe(3 + 2 * 9);
  const values = (role: string) => new Float32Array(weights.tensors.get(role)!.data.buffer as ArrayBuffer);
  expect(values("output_norm.weight")).toEqual(tensors.get("norm.weight"));
  expect(weights.tensors.get("blk.1.ffn_down.weight")).toMatchObject({ type: "f32", columns: config.nFf });
  expect(values("blk.1.ffn_down.weight")).toEqual(tensors.get("layers.1.feed_forward.w2.weight"));
});

test("tells of each tensor as it arrives", async () => {
  const events: TensorLoadedEvent[] = [];
  const source = sourceOf(config, tensors);
  await loadWeights(source, config, { onEvent: (event) => events.push(event) });
  expect(events.map((event) => event.name).sort()).toEqual([...source.names()].sort());
  expect(events.at(-1)!.bytesLoaded).toBe(events.at(-1)!.bytesTotal);
  expect(events.reduce((sum, event) => sum + event.bytes, 0)).toBe(events.at(-1)!.bytesTotal);
});

test("says which tensor there is no memory for", async () => {
  const huge = { ...config, nVocab: 2 ** 31 - 1, nEmbd: 2 ** 18 }; // more bytes than there are addresses
  const shapes = new Map(expectedTensors(huge));
  const tensor = (name: string): SourceTensor => {
    const shape = shapes.get(name) as readonly number[];
    const byteLength = shape.reduce((product, size) => product * size, 4);
    return { name, type: "f32", shape, byteLength, async read() {} };
  };
  await expect(loadWeights({ names: () => shapes.keys(), tensor }, huge)).rejects.toMatchObject({
    name: "IoError",
    code: "E_NOMEM",
    message: "no memory for tok_embeddings.weight (2251799812636672 bytes)",
  });
});

test("hears an abort between two tensors", async () => {
  const controller = new AbortController();
  const source = sourceOf(config, tensors);
  const loading = loadWeights(source, config, {
    signal: controller.signal,
    onEvent: () => controller.abort(new Error("enough")),
  });
  await expect(loading).rejects.toThrow("enough");
  expect(source.reads).toBe(1);
});

describe("refuses before it reads anything", () => {
  const wq = "layers.1.attention.wq.weight";

  async function expectRefusal(
    code: string,
    field: string,
    change: (all: Map<string, SourceTensor>) => void,
  ): Promise<void> {
    const source = sourceOf(config, tensors);
    change(source.tensors);
    const refusal = expect.objectContaining({ name: "ModelError", code, field });
    await expect(loadWeights(source, config)).rejects.toThrow(refusal);
    expect(source.reads).toBe(0);
  }
  const alter =
    (name: string, changes: Partial<SourceTensor>) =>
    (all: Map<string, SourceTensor>): void => {
      all.set(name, { ...all.get(name)!, ...changes });
    };

  test("a missing tensor", () => expectRefusal("E_MISSING_TENSOR", wq, (all) => all.delete(wq)));

  test("a tensor too many", () =>
    expectRefusal("E_UNKNOWN_TENSOR", "rope.freqs", (all) => all.set("rope.freqs", all.get(wq)!)));

  test("a layer too many", async () => {
    const source = sourceOf(config, tensors);
    const refusal = expect.objectContaining({ code: "E_UNKNOWN_TENSOR" });
    await expect(loadWeights(source, { ...config, nLayers: 1 })).rejects.toThrow(refusal);
  });

  test("a name that comes twice", async () => {
    const source = sourceOf(config, tensors);
    const twice = { ...source, names: () => [...source.names(), wq] };
    const refusal = expect.objectContaining({ code: "E_UNKNOWN_TENSOR", field: wq });
    await expect(loadWeights(twice, config)).rejects.toThrow(refusal);
  });

  test("another shape", () => expectRefusal("E_SHAPE", wq, alter(wq, { shape: [64, 32] })));

  test("another number of dimensions", () => expectRefusal("E_SHAPE", wq, alter(wq, { shape: [64, 64, 1] })));

  test("rows that do not fill blocks", () => expectRefusal("E_SHAPE", wq, alter(wq, { type: "q4_K" })));

  test("an unknown type", () => expectRefusal("E_TENSOR_TYPE", wq, alter(wq, { type: "q4_2" })));

  test("a type of activations", () => expectRefusal("E_TENSOR_TYPE", wq, alter(wq, { type: "q8_1" })));

  test("a norm that is not f32", () =>
    expectRefusal("E_TENSOR_TYPE", "norm.weight", alter("norm.weight", { type: "f16", byteLength: 128 })));

  test("fewer bytes than the shape needs", () => expectRefusal("E_LENGTH", wq, alter(wq, { byteLength: 16380 })));

  test("hyper-parameters that are none", async () => {
    const source = sourceOf(config, tensors);
    await expect(loadWeights(source, { ...config, nHeads: 0 })).rejects.toThrow(
      expect.objectContaining({ code: "E_HPARAM" }),
    );
  });

  test("2^31 layers, at the first that is missing", async () => {
    const source = sourceOf(config, tensors);
    const refusal = expect.objectContaining({ code: "E_MISSING_TENSOR", field: "layers.2.attention_norm.weight" });
    await expect(loadWeights(source, { ...config, nLayers: 2 ** 31 - 1 })).rejects.toThrow(refusal);
  });
});
