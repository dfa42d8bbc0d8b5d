// Packing for GGUF files on a WebAssembly memory, to the bytes of `packGgufRows`. The module is apart from that of the kernels: only who
// quantises loads it.

import { blockInfo } from "../block-types.ts";
import { compileKernels } from "../kernels/compile-kernels.ts";
import { type KernelTier, LOWEST_POINTER } from "../kernels/kernels.ts";
import { assertMemorySpan } from "../kernels/memory-span.ts";
import { type WasmMemory, wasmFeatures, webAssembly } from "../kernels/web-assembly.ts";
import { packGgufRows } from "./gguf-rows.ts";

/** Packers that work on this machine, not bound to a memory yet. A structured clone does: send it to workers. */
export interface GgufPackerSet {
  /** A `WebAssembly.Module`; undefined where there is none, and `packGgufRows` is to be used. */
  readonly module: object | undefined;
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

const loaded = new Map<boolean, Promise<GgufPackerSet>>(); // by whether WebAssembly may be used

/** The packers, if WebAssembly may be used and they pass their self-test. The same call gives the same. @param maxTier as of `loadKernels` */
export function loadGgufPackers(maxTier: KernelTier = "wide"): Promise<GgufPackerSet> {
  const isAllowed = maxTier !== "scalar" && wasmFeatures().simd;
  let set = loaded.get(isAllowed);
  if (set === undefined) {
    set = isAllowed ? compile() : Promise.resolve({ module: undefined });
    loaded.set(isAllowed, set);
  }
  return set;
}

async function compile(): Promise<GgufPackerSet> {
  const { WASM_PACKERS } = await import("../kernels/wasm-packers.ts");
  return { module: await compileKernels("simd", WASM_PACKERS, selfTest) };
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
  if (set.module === undefined || api === undefined) return { packer: () => undefined };
  const { exports } = new api.Instance(set.module, { env: { memory } });
  exports["initialize"]?.(scratch, 0);
  exports["initializeIq4"]?.();
  new Uint32Array(memory.buffer, exports["logBounds"]?.(), logBounds.length).set(logBounds);
  return {
    packer(type, isWeighted) {
      const pack = exports[`pack_${type}`];
      if (pack === undefined || !(TYPES.includes(type) || (isWeighted && WEIGHTED_TYPES.includes(type))))
        return undefined;
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

/** Every type against `packGgufRows`, with importance and without. */
function* selfTest(module: object): Generator<boolean> {
  const Memory = webAssembly()?.Memory;
  if (Memory === undefined) {
    yield false;
    return;
  }
  const memory = new Memory({ initial: 1 });
  const packers = bindGgufPackers({ module }, memory, LOWEST_POINTER);
  const src = LOWEST_POINTER + PACKER_SCRATCH_BYTES;
  const pointer = src + 4 * N_TESTED;
  const dst = pointer + 4 * N_TESTED;
  // of all magnitudes up to 8, some of them equal
  const values = Float32Array.from({ length: N_TESTED }, (_, i) => 8 * Math.sin(i * i) ** ((i >> 5) + 1));
  const importance = Float32Array.from({ length: N_TESTED }, (_, i) => 1 + Math.cos(i));
  new Float32Array(memory.buffer, src, N_TESTED).set(values);
  new Float32Array(memory.buffer, pointer, N_TESTED).set(importance);
  for (const type of [...TYPES, ...WEIGHTED_TYPES]) {
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
