// NaN, infinities and values beyond the new type: found in every source type, for every target type, by every kernel tier, on
// this thread and in workers; refused with the name of their tensor, or written if that is allowed.

import { memorySink, memorySource } from "@ll/bytes";
import type { SourceTensor } from "@ll/checkpoint";
import { createGgmlWriter, type GgmlFile, openGgml } from "@ll/ggml-format";
import { FTYPES, packRows } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { type MortalWorker, mortalWorkers } from "../../../tools/mortal-workers.ts";
import { type ConvertInput, convertWith } from "../src/convert-checkpoint.ts";
import type { ModelEvent } from "../src/events.ts";
import { PIECE_VALUES } from "../src/packing/packer.ts";
import { quantizeWith } from "../src/quantize-model.ts";
import { heldTensor, noise, vocabulary } from "./models.ts";

const CONVERT_WORKER = new URL("../src/convert-worker.ts", import.meta.url);

const SHAPE = [256, 256];
const N = 256 * 256;
/** Neither at an end of the row nor of what a kernel looks at in one step. */
const PLACE = 12345;

/** Noise with one other value in it, as `type`. */
function bytesWith(type: "f32" | "f16", value: number | undefined, n = N, place = PLACE): Uint8Array {
  const values = noise(n);
  if (value !== undefined) values[place] = value;
  return packRows(type, values);
}

/** A ggjt file of these tensors. */
async function fileOf(tensors: readonly SourceTensor[]): Promise<GgmlFile> {
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, {
    version: 3,
    hyperParams: { nVocab: 4, nEmbd: 32, nMult: 32, nHead: 1, nLayer: 1, nRot: 32, ftype: 1 },
    vocab: vocabulary(4),
    tensors,
  });
  for (const tensor of tensors) {
    const bytes = new Uint8Array(tensor.byteLength);
    await tensor.read(0, bytes);
    await writer.writeTensor(tensor.name, [bytes]);
  }
  await writer.finish();
  return openGgml(memorySource(sink.bytes(), "model.bin"));
}

const ftypeOf = (name: string) => FTYPES.find((type) => type.name === name)!.id;

const TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K_S", "Q4_K_S", "Q5_K_S", "Q6_K"];

describe.each(["scalar", "simd", "relaxed"] as const)("quantising with kernels of tier %s", (maxTier) => {
  const run = async (type: string, source: "f32" | "f16", value: number | undefined) => {
    const tensors = [
      heldTensor("before.weight", source, SHAPE, bytesWith(source, undefined)),
      heldTensor("bad.weight", source, SHAPE, bytesWith(source, value)),
    ];
    return quantizeWith(await fileOf(tensors), memorySink(), { ftype: ftypeOf(type), maxTier });
  };

  describe.each(TYPES)("%s", (type) => {
    test.each([
      ["f16", Number.NaN],
      ["f16", Number.NEGATIVE_INFINITY],
      ["f32", Number.NaN],
      ["f32", Number.POSITIVE_INFINITY],
      ["f32", 3.4e38],
      ["f32", -1e30],
      ["f32", 1e20],
      ["f32", 1e12],
      ["f32", 4e9],
    ] as const)("refuses %s of %d", async (source, value) => {
      const name = "ConvertError";
      await expect(run(type, source, value)).rejects.toMatchObject({ name, code: "E_NUMBER", field: "bad.weight" });
    });

    test("takes the largest values of f16, and noise", async () => {
      await run(type, "f16", 65504);
      await run(type, "f16", undefined);
    });
  });

  test("tells NaN, infinities and numbers that are too large", async () => {
    await expect(run("Q4_0", "f16", Number.NaN)).rejects.toThrow("1 NaN in 'bad.weight'");
    await expect(run("Q4_0", "f16", Number.POSITIVE_INFINITY)).rejects.toThrow("1 infinite weight in 'bad.weight'");
    await expect(run("Q4_0", "f32", 1e9)).rejects.toThrow("beyond what blocks of q4_0 can hold");
  });
});

describe("quantising", () => {
  const BAD = heldTensor("bad.weight", "f32", SHAPE, bytesWith("f32", Number.NaN));

  test("workers see it too, in the last of several pieces", async () => {
    const n = 3 * PIECE_VALUES;
    const tensor = heldTensor("bad.weight", "f16", [3, PIECE_VALUES], bytesWith("f16", Number.NaN, n, n - 1));
    const workers: MortalWorker[] = [];
    const seams = { spawn: mortalWorkers(workers, CONVERT_WORKER), workerMs: 0 };
    const work = quantizeWith(await fileOf([tensor]), memorySink(), { ftype: 2, threads: 2 }, seams);
    await expect(work).rejects.toMatchObject({ code: "E_NUMBER", field: "bad.weight" });
    expect(workers).toHaveLength(2);
  });

  test.each([
    ["a vector", heldTensor("norm.weight", "f32", [256], bytesWith("f32", Number.NaN, 256, 7))],
    ["a matrix that has its type already", heldTensor("a.weight", "q4_0", [2, 64], new Uint8Array(72).fill(0x7f))],
  ])("%s that is copied is searched as well", async (_, tensor) => {
    const work = quantizeWith(await fileOf([tensor]), memorySink(), { ftype: 2 });
    await expect(work).rejects.toMatchObject({ code: "E_NUMBER", field: tensor.name });
  });

  test("blocks that are unpacked and packed again are searched", async () => {
    const blocks = packRows("q8_0", noise(128));
    blocks.set([0x00, 0x7c]); // an infinite scale
    const file = await fileOf([heldTensor("a.weight", "q8_0", [2, 64], blocks)]);
    const work = quantizeWith(file, memorySink(), { ftype: 2, allowRequantize: true });
    await expect(work).rejects.toMatchObject({ code: "E_NUMBER", field: "a.weight" });
  });

  test("allowed, it is written, and the event tells what was lost", async () => {
    const events: ModelEvent[] = [];
    const options = { ftype: 2, allowNonFinite: true, onEvent: (event: ModelEvent) => void events.push(event) };
    await quantizeWith(await fileOf([BAD]), memorySink(), options);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "tensor-done", lost: { nan: 1, infinite: 0, tooLarge: 0 } }),
    );
  });
});

describe.each([
  ["scalar", Number.POSITIVE_INFINITY],
  ["WebAssembly", 1],
])("converting to f16 with %s kernels", (_, kernelValues) => {
  const inputOf = (tensor: SourceTensor, outType: "f32" | "f16" = "f16"): ConvertInput => ({
    params: { nVocab: 4, nEmbd: 32, nMult: 32, nHeads: 1, nKvHeads: 1, nLayers: 1 },
    tensors: [tensor],
    vocab: vocabulary(4),
    outType,
    container: 3,
  });
  const bf16 = (value: number) => {
    const bytes = packRows("bf16", noise(N));
    bytes.set(packRows("bf16", Float32Array.of(value)), 2 * PLACE);
    return heldTensor("bad.weight", "bf16", SHAPE, bytes);
  };
  const f64 = (value: number) => {
    const values = Float64Array.from(noise(N));
    values[PLACE] = value;
    return heldTensor("bad.weight", "f64", SHAPE, new Uint8Array(values.buffer));
  };
  const f32 = (value: number) => heldTensor("bad.weight", "f32", SHAPE, bytesWith("f32", value));

  test.each([
    ["f32 of 65520", f32(65520)],
    ["f32 of -3.4e38", f32(-3.4e38)],
    ["bf16 of 65536", bf16(65536)],
    ["bf16 of 1e30", bf16(1e30)],
    ["f64 of 1e300", f64(70000)],
  ])("refuses %s", async (_row, tensor) => {
    const work = convertWith(inputOf(tensor), memorySink(), {}, kernelValues);
    await expect(work).rejects.toMatchObject({ code: "E_NUMBER", field: "bad.weight" });
    await expect(convertWith(inputOf(tensor), memorySink(), {}, kernelValues)).rejects.toThrow(
      "1 weight of 'bad.weight' is beyond f16 (field bad.weight); use --outtype f32",
    );
    await convertWith(inputOf(tensor), memorySink(), { allowNonFinite: true }, kernelValues);
    await convertWith(inputOf(tensor, "f32"), memorySink(), {}, kernelValues);
  });

  test.each([
    ["f32", f32(65519)],
    ["bf16", bf16(65280)],
    ["f64", f64(65519)],
  ])("takes the largest values of %s that round to a number", async (_row, tensor) => {
    await convertWith(inputOf(tensor), memorySink(), {}, kernelValues);
  });

  test.each([
    ["NaN", bf16(Number.NaN), { nan: 1, infinite: 0, tooLarge: 0 }],
    ["infinity", f32(Number.NEGATIVE_INFINITY), { nan: 0, infinite: 1, tooLarge: 0 }],
  ])("%s stays what it was, and is told", async (_row, tensor, lost) => {
    const events: ModelEvent[] = [];
    const onEvent = (event: ModelEvent) => void events.push(event);
    await convertWith(inputOf(tensor), memorySink(), { onEvent }, kernelValues);
    expect(events).toContainEqual(expect.objectContaining({ kind: "tensor-done", lost }));
  });
});
