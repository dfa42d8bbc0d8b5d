import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { packRows, QuantizationError, toolHistogram } from "@ll/quant";
import { describe, expect, test } from "vitest";
import type { ModelEvent } from "../src/events.ts";
import { PIECE_VALUES } from "../src/packing/packer.ts";
import { quantizedBytes, quantizeModel } from "../src/quantize-model.ts";
import { ftypeOf, GOLDEN, golden } from "./golden-files.ts";
import { ggjtBytes, ggjtFile, noise, sha256, watched } from "./models.ts";

describe("the golden model becomes the file that build 803 makes of it", () => {
  test.each([...GOLDEN])("%s", async (name, [bytes, hash]) => {
    const file = await golden();
    const target = { ftype: ftypeOf(name) };
    const sink = memorySink();
    await quantizeModel(file, sink, target);
    expect(quantizedBytes(file, target)).toBe(bytes);
    expect(sink.bytesWritten).toBe(bytes);
    expect(sha256(sink.bytes())).toBe(hash);
  });

  test("Q4_0 with the output tensor left", async () => {
    const file = await golden();
    const target = { ftype: ftypeOf("Q4_0"), leaveOutputTensor: true };
    const sink = memorySink();
    await quantizeModel(file, sink, target);
    expect(quantizedBytes(file, target)).toBe(1305952);
    expect(sha256(sink.bytes())).toBe("ca21be7933feeee152b1b4a9ba7fe6fd4a5ded4174279694b86fb2b50780fb2d");
  });
});

test("events tell every tensor in file order, then the totals", async () => {
  const file = await ggjtFile([
    { name: "norm.weight", shape: [64] },
    { name: "a.weight", shape: [2, 64] },
    { name: "b.bias", shape: [2, 64] },
  ]);
  const events: ModelEvent[] = [];
  const totals = await quantizeModel(file, memorySink(), { ftype: 2, onEvent: (event) => events.push(event) });
  const step = { total: 3, fromType: "f32" };
  const copied = { ...step, toType: "f32", isCopied: true };
  const norm = { ...copied, index: 0, name: "norm.weight", shape: [64], bytesIn: 256, bytesOut: 256 };
  const a = {
    ...step,
    index: 1,
    name: "a.weight",
    shape: [2, 64],
    toType: "q4_0",
    isCopied: false,
    bytesIn: 512,
    bytesOut: 72,
  };
  const b = { ...copied, index: 2, name: "b.bias", shape: [2, 64], bytesIn: 512, bytesOut: 512 };
  const zeros = new Float64Array(16);
  const counts = toolHistogram("q4_0", packRows("q4_0", noise(128)));
  expect(events).toEqual([
    { kind: "tensor-start", ...norm },
    { kind: "tensor-done", ...norm, histogram: zeros },
    { kind: "tensor-start", ...a },
    { kind: "tensor-done", ...a, histogram: counts },
    { kind: "tensor-start", ...b },
    { kind: "tensor-done", ...b, histogram: zeros },
    { kind: "totals", tensors: 3, bytesIn: 1280, bytesOut: 840, histogram: counts },
  ]);
  expect(counts.reduce((sum, count) => sum + count)).toBe(128);
  expect({ kind: "totals", ...totals }).toEqual(events.at(-1));
});

test("a tensor of several pieces is packed as if it were one, and never read or written in large pieces", async () => {
  const shape = [2, PIECE_VALUES + 256]; // each row is more than a piece
  const source = watched(memorySource(await ggjtBytes([{ name: "a.weight", shape }])));
  const file = await openGgml(source);
  const sink = memorySink();
  let largestWrite = 0;
  const watchedSink: ByteSink = {
    get bytesWritten() {
      return sink.bytesWritten;
    },
    write: (bytes) => {
      largestWrite = Math.max(largestWrite, bytes.byteLength);
      return sink.write(bytes);
    },
  };
  await quantizeModel(file, watchedSink, { ftype: 2 });
  const written = await openGgml(memorySource(sink.bytes()));
  const tensor = written.tensor("a.weight");
  const bytes = new Uint8Array(tensor?.byteLength ?? 0);
  await tensor?.read(0, bytes);
  expect(sha256(bytes)).toBe(sha256(packRows("q4_0", noise(shape[0]! * shape[1]!))));
  expect(source.largestRead).toBe(PIECE_VALUES * 4);
  expect(largestWrite).toBe((PIECE_VALUES / 32) * 18);
});

test.each(["scalar", "simd", "wide"] as const)(
  "the kernels of tier %s give the same bytes and events",
  async (maxTier) => {
    const file = await golden();
    const run = async (tier?: typeof maxTier) => {
      const events: ModelEvent[] = [];
      const sink = memorySink();
      await quantizeModel(file, sink, { ftype: 8, maxTier: tier, onEvent: (event) => events.push(event) });
      return { events, bytes: sink.bytes() };
    };
    expect(await run(maxTier)).toEqual(await run());
  },
);

describe("refused before anything is written", () => {
  const refusal = async (file: Parameters<typeof quantizeModel>[0], ftype: number) => {
    const sink = memorySink();
    const error: unknown = await quantizeModel(file, sink, { ftype }).catch((thrown: unknown) => thrown);
    expect(sink.bytesWritten).toBe(0);
    expect(() => quantizedBytes(file, { ftype })).toThrow(QuantizationError);
    return error;
  };

  test("a quantised tensor, unless that is allowed", async () => {
    const file = await ggjtFile([{ name: "a.weight", shape: [2, 64], type: "q4_0" }], 2);
    expect(await refusal(file, 3)).toMatchObject({ code: "E_REQUANTIZE", tensor: "a.weight" });
    const sink = memorySink();
    await quantizeModel(file, sink, { ftype: 3, allowRequantize: true });
    expect((await openGgml(memorySource(sink.bytes()))).tensor("a.weight")?.type).toBe("q4_1");
  });

  test("rows that K types cannot hold", async () => {
    expect(await refusal(await ggjtFile([{ name: "a.weight", shape: [256, 64] }]), 15)).toMatchObject({
      code: "E_TENSOR_SIZE",
    });
  });

  test("an unknown file type", async () => {
    expect(await refusal(await ggjtFile([]), 5)).toMatchObject({ code: "E_INPUT" });
  });

  test("a vocabulary that is not the one the header announces", async () => {
    const file = { ...(await ggjtFile([])), vocab: [] };
    await expect(quantizeModel(file, memorySink(), { ftype: 2 })).rejects.toMatchObject({
      name: "ConvertError",
      code: "E_MISMATCH",
      file: "model.bin",
      expected: 4,
      got: 0,
    });
  });
});

describe("an abort", () => {
  test("that came before: nothing is written", async () => {
    const sink = memorySink();
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(quantizeModel(await ggjtFile([]), sink, { ftype: 2, signal })).rejects.toThrow("stop");
    expect(sink.bytesWritten).toBe(0);
  });

  test("inside a tensor: its reason is thrown, and nothing more is read", async () => {
    const bytes = await ggjtBytes([{ name: "a.weight", shape: [20, PIECE_VALUES] }]);
    const source = watched(memorySource(bytes));
    const file = await openGgml(source);
    const controller = new AbortController();
    const before = source.nReads;
    const sink = memorySink();
    const stopping: ByteSink = {
      bytesWritten: 0,
      write: (piece) => {
        if (piece.byteLength > 1000) controller.abort(new Error("stop")); // the first piece of the tensor
        return sink.write(piece);
      },
    };
    const work = quantizeModel(file, stopping, { ftype: 2, signal: controller.signal });
    await expect(work).rejects.toThrow("stop");
    expect(source.nReads - before).toBeLessThan(5);
    expect(sink.bytesWritten).toBeLessThan((2 * PIECE_VALUES * 18) / 32);
  });
});
