// Packing for GGUF files on a WebAssembly memory, to the bytes of `packGgufRows`. The module is apart from that of the kernels: only who
// quantises loads it.

import { blockInfo } from "../block-types.ts";
import { compileKernels } from "../kernels/compile-kernels.ts";
import { assertMemorySpan, type KernelTier, LOWEST_POINTER } from "../kernels/kernels.ts";
import { type WasmMemory, wasmFeatures, webAssembly, wideV8 } from "../kernels/web-assembly.ts";
import { packGgufRows } from "./gguf-rows.ts";

/** Packers that work on this machine, not bound to a memory yet. A structured clone does: send it to workers. */
export interface GgufPackerSet {
  /** A `WebAssembly.Module`; undefined where there is none, and `packGgufRows` is to be used. */
  readonly module: object | undefined;
  /** Types that were tested: packers of no others are bound. */
  readonly types: readonly string[];
}

/** Importance in the memory: (rowValues) binary32 at `pointer`, a multiple of 4. */
export interface PlacedImportance {
  readonly pointer: number;
  readonly rowValues: number;
}

/** Packs `nValues` binary32 values at `src`, whole blocks, or whole rows with importance, into blocks at `dst`; no number among them is NaN or infinite. */
export type GgufPackKernel = (src: number, dst: number, nValues: number, importance?: PlacedImportance) => void;

/** Packers over one memory. They allocate nothing and keep nothing but their scratch space. */
export interface GgufPackers {
  /** What to use instead of `packGgufRows`, with the same bytes; undefined where there is none. */
  packer(type: string, isWeighted: boolean): GgufPackKernel | undefined;
}

/** Bytes that `bindGgufPackers` wants for itself in the memory. */
export const PACKER_SCRATCH_BYTES = 12288;

/** Types that are packed by the module, and those that are only with importance. */
const TYPES: readonly string[] = ["q2_K", "q3_K", "q4_K", "q5_K", "q6_K", "iq4_nl", "iq4_xs", "mxfp4"];
const WEIGHTED_TYPES: readonly string[] = ["q4_0", "q4_1", "q5_0", "q5_1"];

/** By tier and types. */
const loaded = new Map<string, Promise<GgufPackerSet>>();

/**
 * The packers, if WebAssembly may be used and they pass their self-test. The same call gives the same.
 * @param maxTier as of `loadKernels`; "wide" takes half the time for each value of most types, and up to 20 ms more for each type to be made
 * @param types that are to be packed; fewer are compiled and tested sooner, 5 ms for each
 */
export function loadGgufPackers(
  maxTier: KernelTier = "wide",
  types: Iterable<string> = [...TYPES, ...WEIGHTED_TYPES],
): Promise<GgufPackerSet> {
  const isAllowed = maxTier !== "scalar" && wasmFeatures().simd;
  const wanted = [...TYPES, ...WEIGHTED_TYPES].filter((type) => [...types].includes(type));
  if (!isAllowed || wanted.length === 0) return NO_PACKERS;
  const tier = maxTier === "wide" && wideV8() !== undefined ? "wide" : "simd";
  const key = [tier, ...wanted].join(" ");
  let set = loaded.get(key);
  if (set === undefined) {
    set = compile(tier, wanted);
    loaded.set(key, set);
  }
  return set;
}

const NO_PACKERS: Promise<GgufPackerSet> = /* @__PURE__ */ Promise.resolve({ module: undefined, types: [] });

async function compile(tier: "simd" | "wide", types: readonly string[]): Promise<GgufPackerSet> {
  const { WASM_PACKERS } = await import("../kernels/wasm-packers.ts");
  const test = (module: object): Iterable<boolean> => selfTest({ module, types });
  const wide = tier === "wide" ? await compileKernels("wide", WASM_PACKERS, test) : undefined;
  return { module: wide ?? (await compileKernels("simd", WASM_PACKERS, test)), types };
}

/**
 * Packers over `memory`, which must not be shared.
 * @param scratch start of `PACKER_SCRATCH_BYTES` for their own use, a multiple of 32, at least `LOWEST_POINTER`
 * @throws RangeError if `scratch` does not fit
 */
export function bindGgufPackers(set: GgufPackerSet, memory: WasmMemory, scratch: number): GgufPackers {
  assertMemorySpan(memory, "scratch", scratch, PACKER_SCRATCH_BYTES);
  if (scratch % 32 !== 0) throw new RangeError(`"scratch" expected a multiple of 32, got ${scratch}`);
  const api = webAssembly();
  const { module, types } = set;
  if (module === undefined || api === undefined) return { packer: () => undefined };
  const { exports } = new api.Instance(module, { env: { memory } });
  exports["initialize"]?.(scratch, 0);
  exports["initializeIq4"]?.();
  new Uint32Array(memory.buffer, exports["logBounds"]?.(), logBounds.length).set(logBounds);
  return {
    packer(type, isWeighted) {
      const pack = exports[`pack_${type}`];
      if (pack === undefined || !types.includes(type) || (!isWeighted && !TYPES.includes(type))) return undefined;
      const { blockValues } = blockInfo(type);
      return (src, dst, nValues, { pointer, rowValues } = { pointer: 0, rowValues: 0 }) => {
        pack(src, dst, nValues / blockValues, pointer, 4 * rowValues);
      };
    },
  };
}

/** Highest bits of numbers below 2^-126, and exponents. */
const N_SUBNORMAL = 23;
const N_EXPONENTS = 255;

/** (278): bits of the binary32 number from which on the logarithm to base 2, rounded to binary32, is the next whole number; for asm/gguf-pack-mxfp4.ts. */
const logBounds: Uint32Array = /* @__PURE__ */ Uint32Array.from({ length: N_SUBNORMAL + N_EXPONENTS }, (_, place) => {
  const isSubnormal = place < N_SUBNORMAL;
  const first = isSubnormal ? 2 ** place : (place - N_SUBNORMAL) * 2 ** 23;
  const end = isSubnormal ? 2 * first : first + 2 ** 23;
  const next = isSubnormal ? place - 148 : place - N_SUBNORMAL - 126;
  const number = new Float32Array(1);
  const bits = new Uint32Array(number.buffer);
  for (let bound = end; ; bound--) {
    bits[0] = bound - 1;
    if (bound === first || Math.fround(Math.log2(number[0]!)) < next) return bound;
  }
});

/** Values of each test: a super-block, and rows of four blocks that are not packed eight at a time. */
const N_TESTED = 256;
const ROW_VALUES = 128;

/** The types of `set` against `packGgufRows`, with importance and without. */
function* selfTest(set: GgufPackerSet): Generator<boolean> {
  const Memory = webAssembly()?.Memory;
  if (Memory === undefined) {
    yield false;
    return;
  }
  const memory = new Memory({ initial: 1 });
  const packers = bindGgufPackers(set, memory, LOWEST_POINTER);
  const src = LOWEST_POINTER + PACKER_SCRATCH_BYTES;
  const pointer = src + 4 * N_TESTED;
  const dst = pointer + 4 * N_TESTED;
  // of all magnitudes up to 8, some of them equal
  const values = Float32Array.from({ length: N_TESTED }, (_, i) => 8 * Math.sin(i * i) ** ((i >> 5) + 1));
  const importance = Float32Array.from({ length: N_TESTED }, (_, i) => 1 + Math.cos(i));
  new Float32Array(memory.buffer, src, N_TESTED).set(values);
  new Float32Array(memory.buffer, pointer, N_TESTED).set(importance);
  for (const type of set.types) {
    const rowValues = blockInfo(type).blockValues === N_TESTED ? N_TESTED : ROW_VALUES;
    for (const isWeighted of [false, true]) {
      const pack = packers.packer(type, isWeighted);
      if (pack === undefined) continue;
      const weights = isWeighted ? importance.subarray(0, rowValues) : undefined;
      const expected = packGgufRows(type, values, undefined, weights);
      pack(src, dst, N_TESTED, isWeighted ? { pointer, rowValues } : undefined);
      const packed = new Uint8Array(memory.buffer, dst, expected.length);
      yield packed.every((byte, i) => byte === expected[i]);
    }
  }
}
