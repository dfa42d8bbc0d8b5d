import { memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { checkpointFromGgml, type GgmlModelFile } from "../src/ggml-checkpoint.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { concat, f32s } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { readAll } from "./support/files.ts";
import { metaTensors, SIZE } from "./support/tiny-model.ts";
import type { TensorData } from "./support/torch-writer.ts";

const VOCAB = [{ text: Uint8Array.of(65), score: -1 }];

function ggml(data: ReadonlyMap<string, TensorData>, more: Partial<GgmlModelFile> = {}): GgmlModelFile {
  const tensors = new Map<string, SourceTensor>();
  for (const [name, { type, shape, bytes }] of data) {
    tensors.set(name, spanTensor(name, type, shape, memorySource(bytes), 0, bytes.length));
  }
  return {
    hyperParams: { nVocab: 10, nEmbd: 16, nMult: 32, nHead: 2, nLayer: 2 },
    container: { hasScores: true },
    vocab: VOCAB,
    names: () => tensors.keys(),
    tensor: (name) => tensors.get(name),
    ...more,
  };
}

describe("checkpointFromGgml", () => {
  it("takes parameters and vocabulary from the file", async () => {
    const checkpoint = await checkpointFromGgml([{ path: "x.bin", file: ggml(metaTensors()) }]);
    expect(checkpoint.params).toEqual({ ...SIZE, nMult: 32, origin: "header" });
    expect(checkpoint.vocab).toBe(VOCAB);
    expect(checkpoint.files).toEqual(["x.bin"]);
  });

  it("takes no vocabulary that has no scores", async () => {
    const file = ggml(metaTensors(), { container: { hasScores: false } });
    expect(await checkpointFromGgml([{ path: "x.bin", file }])).not.toHaveProperty("vocab");
  });

  it("knows the key heads of a grouped-query model by its matrices", async () => {
    const file = ggml(metaTensors({ ...SIZE, nKvHeads: 1 }));
    expect((await checkpointFromGgml([{ path: "x.bin", file }])).params.nKvHeads).toBe(1);
  });

  it("unpacks blocks of the old types, also where parts are put side by side", async () => {
    // w2 is (16, 64): one part of it per file has 32 columns, one block per row
    const name = "layers.0.feed_forward.w2.weight";
    const block = (d: number) => concat(f32s([d]), new Uint8Array(16).fill(0xf0)); // values -8d, 7d, -8d, …
    const parts = [1, 2].map((p) => {
      const half = new Map(
        [...metaTensors()].map(([key, data]): [string, TensorData] => {
          if (data.shape.length === 1) return [key, data];
          const columnSplit = /^tok_embeddings|\.wo\.|\.w2\./.test(key);
          const shape = columnSplit ? [data.shape[0]!, data.shape[1]! / 2] : [data.shape[0]! / 2, data.shape[1]!];
          return [key, { ...data, shape, bytes: data.bytes.subarray(0, data.bytes.length / 2) }];
        }),
      );
      half.set(name, {
        type: "q4_0_v1",
        shape: [16, 32],
        bytes: concat(...Array.from({ length: 16 }, () => block(p))),
      });
      return { path: `x.bin${p === 1 ? "" : ".1"}`, file: ggml(half) };
    });
    const checkpoint = await checkpointFromGgml(parts);
    const values = new Float32Array((await readAll(checkpoint.tensor(name)!)).buffer);
    expect([...values.subarray(0, 2), ...values.subarray(32, 34), ...values.subarray(64, 66)]).toEqual([
      -8, 7, -16, 14, -8, 7,
    ]);
    expect(checkpoint.storedTensors.get(name)).toMatchObject({ type: "q4_0_v1", shape: [16, 64] });
  });

  it.each([
    ["a later block type", { type: "q4_0", shape: [16, 16], bytes: new Uint8Array(16 * 9) }, "E_DTYPE"],
    ["an unknown type", { type: "__proto__", shape: [16, 16], bytes: new Uint8Array(0) }, "E_DTYPE"],
  ])("refuses %s", async (_, data, code) => {
    const file = ggml(metaTensors().set("layers.0.attention.wo.weight", data));
    await expectRejected(() => checkpointFromGgml([{ path: "x.bin", file }]), code);
  });

  it.each([
    ["heads that do not divide", { nHead: 3 }, "E_HPARAM"],
    ["no heads", { nHead: 0 }, "E_HPARAM"],
    ["n_mult 0", { nMult: 0 }, "E_SHAPE"],
    ["another number of layers", { nLayer: 3 }, "E_SHAPE"],
  ])("refuses %s", async (_, change, code) => {
    const hyperParams = { nVocab: 10, nEmbd: 16, nMult: 32, nHead: 2, nLayer: 2, ...change };
    await expectRejected(
      () => checkpointFromGgml([{ path: "x.bin", file: ggml(metaTensors(), { hyperParams }) }]),
      code,
    );
  });
});
