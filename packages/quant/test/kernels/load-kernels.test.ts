// Choosing, binding and checking; what kernels do at the edges of a memory.

import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { dotValues, packRows } from "../../src/index.ts";
import {
  bindKernels,
  KERNEL_TIERS,
  type Kernels,
  type KernelTier,
  LOWEST_POINTER,
  loadKernels,
  SCRATCH_BYTES,
} from "../../src/kernels/index.ts";
import { fasterProducts } from "../../src/kernels/products.ts";
import { scalarKernels } from "../../src/kernels/scalar-kernels.ts";
import { checkTypes, SELF_TEST_PAGES } from "../../src/kernels/self-test.ts";
import { WASM_KERNELS, WASM_TIERS } from "./kernel-cases.ts";

const PAGE = 65536;

/** A script that has the runtime say that it is another. */
function nodeVersions(change: string): string {
  return `Object.defineProperty(process, "versions", { value: { ...process.versions, ${change} } })`;
}

/** The first type of which the kernels fail their self-test. */
function findWrongType(kernels: Kernels): string | undefined {
  return [...checkTypes(kernels)].find(({ isRight }) => !isRight)?.type;
}

describe("tiers", () => {
  test.each(WASM_TIERS)("%s is what this Node gets when it asks for it", async (tier) => {
    expect((await loadKernels(tier)).tier).toBe(tier);
  });

  test.each(WASM_KERNELS)("%s are what this Node gets, bound to what they say", async (name) => {
    const set = await loadKernels(name, "lanes", ["q4_0"]);
    const [tier, products = "chain"] = name.split("-");
    expect(set).toMatchObject({ tier, products });
    expect(bindKernels(set, new WebAssembly.Memory({ initial: 1 }))).toMatchObject({ tier, products });
  });

  test("without a wish one of both ways of adding products is chosen, the same for every caller", async () => {
    const set = await loadKernels();
    expect(["chain", "pairs"]).toContain(set.products);
    expect(await loadKernels()).toBe(set);
  });

  test("where there is but one way, it is the chain", async () => {
    expect(await loadKernels("wide-pairs", "lanes", ["q6_K", "f16"])).toMatchObject({ products: "chain" });
    expect(await loadKernels("simd")).toMatchObject({ products: "chain" });
  });

  test.each([
    [1, 1.1, "chain"],
    [1, 1, "chain"],
    [0, 0, "chain"], // a clock that stands still
    [1, 0.8, "pairs"],
  ] as const)(
    "where a chain takes %d ms and pairs take %d, it is %s, though every third run is interrupted",
    (...row) => {
      const [chain, pairs, expected] = row;
      let n = 0;
      expect(fasterProducts((products) => (n++ % 3 === 0 ? 50 : 0) + (products === "pairs" ? pairs : chain))).toBe(
        expected,
      );
    },
  );

  test("without a wish it is the fastest", async () => {
    expect((await loadKernels()).tier).toBe(WASM_TIERS.at(-1));
  });

  test("scalar kernels need no module", async () => {
    const expected = { tier: "scalar", products: "chain", arithmetic: "build803", module: undefined };
    expect(await loadKernels("scalar")).toMatchObject(expected);
  });

  test.each(WASM_TIERS)("%s has both arithmetics", async (tier) => {
    const set = await loadKernels(tier, "lanes");
    expect(set).toMatchObject({ tier, arithmetic: "lanes" });
    expect(bindKernels(set, new WebAssembly.Memory({ initial: 1 })).arithmetic).toBe("lanes");
  });

  test("kernels of some types have no others, whatever was loaded before", async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    await loadKernels();
    const some = await loadKernels("wide", "lanes", ["q8_0", "q4_0", "q8_0"]);
    expect(some).toMatchObject({ tier: WASM_TIERS.at(-1), types: ["q4_0", "q8_0"] });
    expect(await loadKernels("wide", "lanes", ["q8_0", "q4_0"])).toBe(some);
    const kernels = bindKernels(some, memory);
    expect(kernels.matrix("q8_0").type).toBe("q8_0");
    expect(() => kernels.matrix("q6_K")).toThrow('"type" expected one of q4_0 q8_0, got q6_K');
    expect(kernels.packer("q6_K")).toBeUndefined();
    await expect(loadKernels("wide", "lanes", ["q8_K"])).rejects.toThrow('"types" expected types that rows can have');
  });

  test("an unknown tier is refused", async () => {
    await expect(loadKernels("fast" as KernelTier)).rejects.toThrow(
      '"name" expected one of scalar simd relaxed wide relaxed-chain relaxed-pairs wide-chain wide-pairs, got fast',
    );
  });

  test.each([
    ["WebAssembly is missing", "delete globalThis.WebAssembly", "scalar"],
    [
      "compiling is forbidden",
      "WebAssembly.compile = async () => { throw new Error('csp') }; WebAssembly.Module = undefined",
      "scalar",
    ],
    ["there is no SIMD", "WebAssembly.validate = () => false", "scalar"],
    ["there is no relaxed SIMD", "WebAssembly.validate = (bytes) => !bytes.includes(147)", "simd"],
    ["the processor is another", "Object.defineProperty(process, 'arch', { value: 'arm64' })", "relaxed"],
    ["V8 is that of Node 22", nodeVersions("v8: '12.4.254.21-node.57'"), "relaxed"],
    ["V8 is one that nobody measured", nodeVersions("v8: '99.9.1.2-node.3'"), "relaxed"],
    ["V8 is Deno's", nodeVersions("deno: '2.9.6', v8: '14.6.202.34-rusty'"), "relaxed"],
    ["Node is Bun", nodeVersions("bun: '1.4.5'"), "relaxed"],
    ["there is no node:v8", "process.getBuiltinModule = undefined", "relaxed"],
    ["there is no Uint8Array.fromHex", "delete Uint8Array.fromHex", WASM_TIERS.at(-1)],
  ])("if %s, lower tiers serve", (_, change, expected) => {
    const index = new URL("../../src/kernels/index.ts", import.meta.url).href;
    // Node's own type stripping needs WebAssembly: first the import, then the change
    const script = `const { loadKernels } = await import(${JSON.stringify(index)}); ${change}; console.log((await loadKernels()).tier);`;
    const args = ["--conditions=@ll/source", "--input-type=module", "--eval", script];
    expect(execFileSync(process.execPath, args, { encoding: "utf8" }).trim()).toBe(expected);
  });
});

describe("the self-test", () => {
  const memory = new WebAssembly.Memory({ initial: SELF_TEST_PAGES });

  test("passes right kernels", () => {
    expect(findWrongType(scalarKernels(memory, "build803"))).toBeUndefined();
  });

  test.each([
    ["f32", "build803"],
    ["q4_0", "build803"],
    ["q6_K", "lanes"],
    ["f16", "lanes"],
  ] as const)("names %s if a single sum of it in %s is off by one bit", (wrong, arithmetic) => {
    const right = scalarKernels(memory, arithmetic);
    const kernels: Kernels = {
      ...right,
      matrix(type) {
        const matrix = right.matrix(type);
        if (type !== wrong) return matrix;
        return {
          ...matrix,
          multiply(weights, activations, out, ...rest) {
            matrix.multiply(weights, activations, out, ...rest);
            new Uint32Array(memory.buffer, out + 4 * 10, 1)[0]! ^= 1;
          },
        };
      },
    };
    expect(findWrongType(kernels)).toBe(wrong);
  });
});

describe("the self-test of quantisers", () => {
  test.each(["f16", "q8_0", "q3_K"])("names %s if a single bit of a block is another", async (wrong) => {
    const right = bindKernels(await loadKernels("simd"), new WebAssembly.Memory({ initial: SELF_TEST_PAGES }));
    const kernels: Kernels = {
      ...right,
      packer(type) {
        const pack = right.packer(type);
        if (type !== wrong || pack === undefined) return pack;
        return (source, src, dst, nValues) => {
          pack(source, src, dst, nValues);
          new Uint8Array(right.memory.buffer, dst + 20, 1)[0]! ^= 1;
        };
      },
    };
    expect(findWrongType(kernels)).toBe(wrong);
  });

  test("names q5_1 if a level is counted twice", async () => {
    const right = bindKernels(await loadKernels("simd"), new WebAssembly.Memory({ initial: SELF_TEST_PAGES }));
    const kernels: Kernels = {
      ...right,
      counter: (type) => (src, counts, nBlocks) => {
        right.counter(type)?.(src, counts, nBlocks);
        if (type === "q5_1") new Uint32Array(right.memory.buffer, counts, 16)[3]! += 1;
      },
    };
    expect(findWrongType(kernels)).toBe("q5_1");
  });
});

describe("binding", () => {
  test("a set works after a structured clone", async () => {
    const set = structuredClone(await loadKernels("relaxed"));
    expect(findWrongType(bindKernels(set, new WebAssembly.Memory({ initial: SELF_TEST_PAGES })))).toBeUndefined();
  });

  test.each([
    [
      LOWEST_POINTER - 32,
      `"scratch" expected a span between 1024 and 65536 bytes of memory, got 992 + ${SCRATCH_BYTES}`,
    ],
    [
      PAGE - SCRATCH_BYTES + 32,
      `"scratch" expected a span between 1024 and 65536 bytes of memory, got ${PAGE - SCRATCH_BYTES + 32} + ${SCRATCH_BYTES}`,
    ],
    [LOWEST_POINTER + 4, '"scratch" expected a multiple of 32, got 1028'],
  ])("scratch space at %d is refused", async (scratch, message) => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    for (const tier of KERNEL_TIERS) {
      const set = await loadKernels(tier);
      expect(() => bindKernels(set, memory, scratch)).toThrow(new RangeError(message));
    }
  });

  test("two instances may share a memory", async () => {
    const memory = new WebAssembly.Memory({ initial: SELF_TEST_PAGES });
    const set = await loadKernels("simd");
    const other = bindKernels(set, memory, 3 * PAGE);
    const first = bindKernels(set, memory, LOWEST_POINTER);
    expect(product(first, 20_000)).toEqual(product(other, 20_000));
  });
});

describe.each(KERNEL_TIERS.filter((tier) => tier === "scalar" || WASM_TIERS.includes(tier)))("%s kernels", (tier) => {
  test("follow a memory that grows", async () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernels = bindKernels(await loadKernels(tier), memory);
    memory.grow(2);
    expect(() => kernels.checkSpan("weights", 3 * PAGE, PAGE)).not.toThrow();
    expect(product(kernels, 3 * PAGE)).toEqual(expectedProduct());
  });

  test("work above 2 GiB, up to the last byte of 4 GiB", async () => {
    const memory = new WebAssembly.Memory({ initial: 65536 });
    const kernels = bindKernels(await loadKernels(tier), memory);
    expect(product(kernels, 2 ** 31 - 64)).toEqual(expectedProduct());
    expect(product(kernels, 2 ** 32 - productBytes(kernels))).toEqual(expectedProduct());
  });

  test("refuse types that rows cannot have", async () => {
    const kernels = bindKernels(await loadKernels(tier), new WebAssembly.Memory({ initial: 1 }));
    for (const type of ["q8_K", "q4_2", "__proto__"]) {
      expect(() => kernels.matrix(type)).toThrow(`"type" expected one of f32 f16 q4_0`);
    }
  });

  test("check sizes and spans", async () => {
    const kernels = bindKernels(await loadKernels(tier), new WebAssembly.Memory({ initial: 1 }));
    const matrix = kernels.matrix("q4_0");
    expect(() => matrix.weightBytes(8, 33)).toThrow("33 values do not fill q4_0 blocks of 32");
    expect(() => matrix.weightBytes(-1, 32)).toThrow('"nRows" expected an integer >= 0, got -1');
    expect(() => matrix.activationBytes(1.5, 32)).toThrow('"nVectors" expected an integer >= 0, got 1.5');
    expect(() => kernels.checkSpan("out", 65_000, 537)).toThrow('"out" expected a span between 1024 and 65536');
    expect(() => kernels.checkSpan("out", 1000, 4)).toThrow(RangeError);
    expect(() => kernels.checkSpan("out", Number.NaN, 4)).toThrow(RangeError);
    expect(() => kernels.checkSpan("out", 2048, -4)).toThrow(RangeError);
    expect(() => kernels.checkSpan("out", 65_000, 536)).not.toThrow();
  });

  test("count blocks whose scale is no number", async () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernels = bindKernels(await loadKernels(tier), memory);
    const rows = packRows("q4_1", new Float32Array(9 * 64).fill(1)); // (9, 2 blocks of 20 bytes)
    new DataView(rows.buffer).setUint16(20, 0x7c00, true); // d of row 0, block 1: infinity
    new DataView(rows.buffer).setUint16(40 * 8 + 2, 0xfe00, true); // m of row 8, block 0: NaN
    new Uint8Array(memory.buffer, 20_000, rows.length).set(rows);
    expect(kernels.matrix("q4_1").repack(20_000, 30_000, 9, 64)).toBe(2);
  });
});

const N_ROWS = 9;
const ROW_VALUES = 64;
const values = Float32Array.from({ length: N_ROWS * ROW_VALUES }, (_, i) => Math.sin(i));
const x = values.subarray(7, 7 + ROW_VALUES);

/** Bytes that `product` needs. */
function productBytes(kernels: Kernels): number {
  const matrix = kernels.matrix("q5_1");
  const rowsAndVectors = N_ROWS * 48 + 4 * ROW_VALUES + 4 * N_ROWS;
  return rowsAndVectors + matrix.activationBytes(1, ROW_VALUES) + matrix.weightBytes(N_ROWS, ROW_VALUES);
}

/** A small Q5_1 matrix times a vector, with everything placed from `at` on. */
function product(kernels: Kernels, at: number): Float32Array {
  const { buffer } = kernels.memory;
  const matrix = kernels.matrix("q5_1");
  const out = at + 4 * ROW_VALUES;
  const rows = out + 4 * N_ROWS;
  const activations = rows + N_ROWS * 48;
  const weights = activations + matrix.activationBytes(1, ROW_VALUES);
  new Float32Array(buffer, at, ROW_VALUES).set(x);
  new Uint8Array(buffer, rows, N_ROWS * 48).set(packRows("q5_1", values));
  matrix.repack(rows, weights, N_ROWS, ROW_VALUES);
  matrix.packActivations(at, activations, 1, ROW_VALUES);
  matrix.multiply(weights, activations, out, 0, N_ROWS, ROW_VALUES, 1, N_ROWS);
  return new Float32Array(buffer, out, N_ROWS).slice();
}

function expectedProduct(): Float32Array {
  return Float32Array.from({ length: N_ROWS }, (_, row) => {
    return dotValues("q5_1", packRows("q5_1", values.subarray(row * ROW_VALUES, (row + 1) * ROW_VALUES)), x);
  });
}
