import { type ByteSink, memorySink, memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { FTYPES, packRows, QuantizationError, toolHistogram } from "@ll/quant";
import { describe, expect, test } from "vitest";
import { goldenModelBytes } from "../../../tools/golden-model.ts";
import type { ModelEvent } from "../src/events.ts";
import { PIECE_VALUES } from "../src/pieces.ts";
import { quantizedBytes, quantizeModel } from "../src/quantize-model.ts";
import { ggjtBytes, ggjtFile, noise, sha256, watched } from "./models.ts";

/** Size and sha256 of the files that build 803 makes of the golden model. */
const GOLDEN = new Map([
  ["Q4_0", [1151328, "fc77f0ad2a2148bad120a3c1b24755549c0fd5ff74ffdd5305668e1afb91beee"]],
  ["Q4_1", [1266016, "cb2e4e1f2eb968f2929cdca4fab64ac0e29128c0ad50e374f5070955ca64e81c"]],
  ["Q5_0", [1380704, "3c68c62e8c26bf247a86142d7986b12e19db2069206d2ddf2b1d4962eca3af28"]],
  ["Q5_1", [1495392, "1e4730e94107545298886e90ebe4dca449a76d7ff6701e489fadaf62e3be0cc4"]],
  ["Q8_0", [2068832, "9bd652868da57fe41d58a427ac0409a0189679ef8d675aa9cbb4f588dbfed139"]],
  ["Q2_K", [874848, "216815fa3862d8a1f65c362a01ec646279d86455692227c1adcf910a9edc71f0"]],
  ["Q3_K_S", [907616, "598b14a35567625ba3119659b72a0c9bcc81684d59165323a862d7b0c332daf0"]],
  ["Q3_K_M", [994656, "7f2fa6d5920cfb0ba7fe0f0421885ca80872a935c8fcd372bf2e6d0fc9155167"]],
  ["Q3_K_L", [1076576, "1bdc084bd506511a3b508c9f5fd421721c941d27aa045e14f107d29665cb9ed2"]],
  ["Q4_K_S", [1151328, "fc926c5c8ca56e71df4573c4c814214fec04b5424eaf40a0b04fc9fc18ae9295"]],
  ["Q4_K_M", [1218912, "1abb98fadad15dac8cef776d974cc30653b8d61ef24a5f38815a95c1913f5b3e"]],
  ["Q5_K_S", [1380704, "0a78f8fc2ad6dc19c3751792ce3e0bd1f45525febc6dc2916323c33981d1d856"]],
  ["Q5_K_M", [1415520, "5f516b5bc0510b72d6b8cc021902897594d5f0a740fa63b3ff0326dff4695062"]],
  ["Q6_K", [1624416, "b50cf1f3212e57fb8d20a238458e5d5a6e04c166401e289dd1f883274a0bdc63"]],
  ["F16", [3943776, "81f045204268df5a3b954f8c58bf6aa52910cf7dd746bd3b3d32eebca8a06db5"]],
  ["F32", [7459168, "76e9cff0a2babdcd6e44e25640234ef8812ba9bc21fa942fbfb12ed6debe8eea"]],
] as const);

const ftypeOf = (name: string): number => FTYPES.find((type) => type.name === name)?.id ?? Number.NaN;
const golden = () => openGgml(memorySource(goldenModelBytes(), "gold-f16.bin"));

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
  const shape = [3, PIECE_VALUES / 2 + 256]; // one and a half pieces
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

test("rows are packed by the given function, which may answer later", async () => {
  const file = await ggjtFile([{ name: "a.weight", shape: [2, 64] }]);
  const calls: [string, number][] = [];
  const plain = memorySink();
  const elsewhere = memorySink();
  await quantizeModel(file, plain, { ftype: 8 });
  await quantizeModel(file, elsewhere, {
    ftype: 8,
    pack: async (type, values, out) => {
      calls.push([type, values.length]);
      await new Promise((resolve) => setImmediate(resolve));
      return packRows(type, values, out);
    },
  });
  expect(calls).toEqual([["q5_0", 128]]);
  expect(elsewhere.bytes()).toEqual(plain.bytes());
});

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
    expect(await refusal(await ggjtFile([]), 5)).toMatchObject({ code: "E_FTYPE" });
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

  test("inside a tensor: its reason is thrown before the tensor is done", async () => {
    const file = await ggjtFile([{ name: "a.weight", shape: [4, PIECE_VALUES] }]);
    const controller = new AbortController();
    const sink = memorySink();
    let packed = 0;
    const work = quantizeModel(file, sink, {
      ftype: 2,
      signal: controller.signal,
      pack: (type, values, out) => {
        packed++;
        if (packed === 2) controller.abort(new Error("stop"));
        return packRows(type, values, out);
      },
    });
    await expect(work).rejects.toThrow("stop");
    expect(packed).toBe(2);
  });
});
