import { LOWEST_POINTER } from "@ll/quant";
import { describe, expect, test, vi } from "vitest";
import { ARITHMETICS } from "../../src/arithmetic/index.ts";
import type { KvTypes } from "../../src/index.ts";
import { type AttentionShape, type LlamaKernels, llamaScratchBytes } from "../../src/kernels/kernels.ts";
import { loadLlamaKernels, testCacheKernels } from "../../src/kernels/load-kernels.ts";
import { attendsAlike, checkKernels, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "../../src/kernels/self-test.ts";
import { bindLlamaKernels } from "../../src/kernels/wasm-kernels.ts";
import { attended, kernelPair, numbers, placeHead, SCALE, TIERS_AND_ARITHMETICS } from "./kernel-pair.ts";

const module = (await loadLlamaKernels("simd", "build803"))!;
const LLAMA_SCRATCH_BYTES = llamaScratchBytes("build803");
const [kernels] = await kernelPair("simd");
const shape: AttentionShape = { kvType: "f16", headDim: 64, headsPerKvHead: 1, contextTokens: 33 };

test.each(TIERS_AND_ARITHMETICS)("kernels of tier %s pass their self-test in %s", async (tier, arithmetic) => {
  expect(await loadLlamaKernels(tier, arithmetic)).toBeInstanceOf(WebAssembly.Module);
});

test("none for the scalar tier, and where compiling fails", async () => {
  expect(await loadLlamaKernels("scalar", "lanes")).toBeUndefined();
  vi.stubGlobal("WebAssembly", { ...WebAssembly, compile: () => Promise.reject(new WebAssembly.CompileError("no")) });
  const again: string = "../../src/kernels/load-kernels.ts?again"; // a module that remembers nothing compiled before
  try {
    const fresh: typeof import("../../src/kernels/load-kernels.ts") = await import(again);
    expect(await fresh.loadLlamaKernels("simd", "build803")).toBeUndefined();
  } finally {
    vi.unstubAllGlobals();
  }
});

test("128-bit code where V8 makes no good 256-bit code", async () => {
  class NoModule extends WebAssembly.Module {
    constructor() {
      super(new Uint8Array()); // a CompileError
    }
  }
  // only code of the tier "wide" is made by the constructor
  vi.stubGlobal("WebAssembly", Object.create(WebAssembly, { Module: { value: NoModule } }));
  const again: string = "../../src/kernels/load-kernels.ts?once more";
  try {
    const fresh: typeof import("../../src/kernels/load-kernels.ts") = await import(again);
    const module = await fresh.loadLlamaKernels("wide", "build803");
    expect(WebAssembly.Module.customSections(module!, "wide")).toEqual([]);
  } finally {
    vi.unstubAllGlobals();
  }
});

describe.each(["build803", "lanes"] as const)("the self-test in %s finds", (arithmetic) => {
  const memory = new WebAssembly.Memory({ initial: SELF_TEST_PAGES });
  const right = bindLlamaKernels(module, arithmetic, memory, SELF_TEST_SCRATCH);
  const findWrongKernel = (tested: LlamaKernels): string | undefined =>
    [...checkKernels(tested, ARITHMETICS[arithmetic])].find(({ isRight }) => !isRight)?.name;

  test("nothing in the kernels", () => {
    expect(findWrongKernel(right)).toBeUndefined();
  });

  test.each<[string, Partial<LlamaKernels>]>([
    ["rmsNorm", { rmsNorm: (out, x, weight, nRows, n) => right.rmsNorm(out, x, weight, nRows, n, 2e-6) }],
    ["rope", { rope: (_, ...order) => right.rope("adjacent", ...order) }],
    ["elementWise", { addInto() {} }],
    ["elementWise", { gate: (activation, gate, up, n) => right.gate(activation, gate, up, n - 1) }],
    ["attentionF16", { attention: (s) => right.attention({ ...s, headsPerKvHead: 1 }) }],
    ["attentionF32", { attention: (s) => right.attention({ ...s, kvType: "f16" }) }],
  ])("what is wrong with %s", (name, wrong) => {
    expect(findWrongKernel({ ...right, ...wrong })).toBe(name);
  });
});

test.each<KvTypes>(["q8_0", { k: "f16", v: "q8_0" }, { k: "f32", v: "f16" }])(
  "attention over %j is tested when it is wanted",
  async (kvType) => {
    await testCacheKernels(module, "build803", kvType);
    expect(attendsAlike(kernels, ARITHMETICS.build803, kvType)).toBe(true);
    const wrong = { ...kernels, attention: (s: AttentionShape) => kernels.attention({ ...s, kvType: "f16" }) };
    expect(attendsAlike(wrong, ARITHMETICS.build803, kvType)).toBe(false);
  },
);

describe("binding refuses scratch space", () => {
  const memory = new WebAssembly.Memory({ initial: 16 });
  test.each([
    ["below the lowest pointer", 0],
    ["that does not end in the memory", 16 * 65536 - LLAMA_SCRATCH_BYTES + 64],
    ["that is not aligned", LOWEST_POINTER + 4],
  ])("%s", (_, scratch) => {
    expect(() => bindLlamaKernels(module, "build803", memory, scratch)).toThrow(RangeError);
  });
});

describe("attention refuses", () => {
  test.each<[Partial<AttentionShape>, string]>([
    [{ headDim: 7 }, '"headDim" expected an even number, got 7'],
    [{ headDim: 0 }, '"headDim" expected an integer from 1 to 2147483647, got 0'],
    [{ contextTokens: 1.5 }, '"contextTokens" expected an integer from 1 to 2147483647, got 1.5'],
    [{ headsPerKvHead: 2 ** 31 }, '"headsPerKvHead" expected an integer from 1 to 2147483647, got 2147483648'],
    [{ kvType: "q4_0" as never }, '"kvType" expected f16, f32 or q8_0, got q4_0'],
    [{ kvType: { k: "f16", v: "f64" as never } }, '"kvType" expected f16, f32 or q8_0, got f64'],
  ])("%j", (change, message) => {
    expect(() => kernels.attention({ ...shape, ...change })).toThrow(message);
  });
});

test("sizes: in q8_0 half of f16 and scales", () => {
  const sizeOf = (kvType: KvTypes): number => {
    return kernels.attention({ ...shape, headDim: 128, contextTokens: 4096, kvType }).headBytes;
  };
  expect(sizeOf("q8_0") - 64).toBe((sizeOf("f16") - 64) * (34 / 64));
  expect(sizeOf({ k: "q8_0", v: "f16" }) + sizeOf({ k: "f16", v: "q8_0" })).toBe(sizeOf("q8_0") + sizeOf("f16"));
});

test("sizes: tiles of 32 positions, channels padded to 8", () => {
  const { headBytes, workBytes } = kernels.attention({ ...shape, headDim: 100, headsPerKvHead: 4 });
  expect(headBytes).toBe(64 + 64 * (100 + 104) * 2);
  expect(workBytes(1)).toBe(3 * 32 * 104 * 8 + 1280 + 4 * 64 * 4);
  expect(workBytes(128)).toBe(3 * 32 * 104 * 8 + 1280 + 32 * 64 * 4);
  const lanes = bindLlamaKernels(module, "lanes", new WebAssembly.Memory({ initial: 1 }), LOWEST_POINTER);
  const longContext = lanes.attention({ ...shape, headDim: 100, contextTokens: 100_000 });
  expect(longContext.workBytes(128)).toBe(3 * 32 * 104 * 4 + 832 + 4 * 32 * 68 + 960); // scores are those of a tile
});

test("addresses up to 4 GiB", () => {
  const memory = new WebAssembly.Memory({ initial: 65536 });
  const size = 2 ** 32;
  const high = bindLlamaKernels(module, "build803", memory, size - LLAMA_SCRATCH_BYTES - 64 * 1024);
  const threeHeads = { ...shape, headsPerKvHead: 3 };
  const rowValues = 3 * 64;
  const keys = numbers(1, 33 * 64); // (33, 64)
  const queries = numbers(2, rowValues); // (1, 3, 64)
  const expected = attended(kernels, placeHead(kernels, threeHeads, keys, keys, 1), queries, 32);

  const attention = high.attention(threeHeads);
  const head = size - 32 * 1024; // 16,448 bytes
  const rows = 2 ** 31 - 4096; // crosses the sign bit
  const work = 3 * 2 ** 30;
  const q = size - 4 * rowValues; // the last bytes of the memory
  new Float32Array(memory.buffer, rows, keys.length).set(keys);
  new Float32Array(memory.buffer, q, rowValues).set(queries);
  attention.clear(head);
  attention.store(head, rows, rows, 0, 33, 64);
  attention.attend(head, q, rows, work, 32, 1, rowValues, rowValues, { scale: SCALE });
  expect(new Float32Array(memory.buffer, rows, rowValues)).toEqual(expected);
});

test("nothing is read behind the end of the memory", () => {
  const threeHeads = { ...shape, headsPerKvHead: 3 };
  const rowValues = 3 * 64;
  const keys = numbers(1, 33 * 64); // (33, 64)
  const queries = numbers(2, rowValues); // (1, 3, 64)
  const placed = placeHead(kernels, threeHeads, keys, keys, 1);
  const expected = attended(kernels, placed, queries, 32);
  const q = kernels.memory.buffer.byteLength - 4 * rowValues;
  new Float32Array(kernels.memory.buffer, q, rowValues).set(queries);
  placed.attention.attend(placed.head, q, placed.out, placed.work, 32, 1, rowValues, rowValues, { scale: SCALE });
  expect(new Float32Array(kernels.memory.buffer, placed.out, rowValues)).toEqual(expected);
});
