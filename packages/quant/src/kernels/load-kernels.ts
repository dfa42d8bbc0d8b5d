// Choosing, compiling, testing and binding kernels.

import type { ArithmeticName } from "../rows.ts";
import { compileKernels } from "./compile-kernels.ts";
import { type Kernels, type KernelTier, LOWEST_POINTER, SCRATCH_BYTES } from "./kernels.ts";
import { assertMemorySpan } from "./memory-span.ts";
import { scalarKernels } from "./scalar-kernels.ts";
import { checkTypes, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { WASM_LAYOUTS } from "./wasm-layouts.ts";
import { type WasmMemory, wasmFeatures, webAssembly, wideV8 } from "./web-assembly.ts";

/** All tiers, slowest first. */
export const KERNEL_TIERS: readonly KernelTier[] = ["scalar", "simd", "relaxed", "wide"];

/** Kernels that work on this machine, not bound to a memory yet. A structured clone does: send it to workers. */
export interface KernelSet {
  readonly tier: KernelTier;
  readonly arithmetic: ArithmeticName;
  /** Types that were tested: kernels of no others are bound. The scalar tier has all. */
  readonly types: readonly string[];
  /** A `WebAssembly.Module`, which workers share with its compiled code; undefined for the scalar tier. */
  readonly module: object | undefined;
}

/** By `maxTier`, arithmetic and types. V8 shares the code of modules with equal bytes. */
const loaded = new Map<string, Promise<KernelSet>>();

/**
 * The fastest kernels that run here and pass their self-test, of `maxTier` or below. The same call gives the same kernels.
 *
 * @param types of rows, that there shall be kernels for; fewer are tested and compiled sooner, some 10 ms for each in the tier "wide"
 * @throws RangeError if `maxTier` is no tier, or a type is none of those that rows can have
 */
export async function loadKernels(
  maxTier: KernelTier = "wide",
  arithmetic: ArithmeticName = "build803",
  types: Iterable<string> = WASM_LAYOUTS.keys(),
): Promise<KernelSet> {
  const highest = KERNEL_TIERS.indexOf(maxTier);
  if (highest < 0) throw new RangeError(`"maxTier" expected one of ${KERNEL_TIERS.join(" ")}, got ${String(maxTier)}`);
  const asked = new Set(types);
  const wanted = [...WASM_LAYOUTS.keys()].filter((type) => asked.has(type));
  const unknown = [...asked].find((type) => !WASM_LAYOUTS.has(type));
  if (unknown !== undefined) throw new RangeError(`"types" expected types that rows can have, got ${unknown}`);
  const key = [maxTier, arithmetic, ...wanted].join(" ");
  let set = loaded.get(key);
  if (set === undefined) {
    set = compileBest(highest, arithmetic, wanted);
    loaded.set(key, set);
  }
  return set;
}

async function compileBest(highest: number, arithmetic: ArithmeticName, types: readonly string[]): Promise<KernelSet> {
  for (const tier of KERNEL_TIERS.slice(1, highest + 1).reverse()) {
    const code = await codeOf(tier);
    if (code === undefined) continue;
    const module = await compileKernels(tier, code, (module) => selfTest({ tier, arithmetic, types, module }));
    if (module !== undefined) return { tier, arithmetic, types, module };
  }
  return { tier: "scalar", arithmetic, types, module: undefined };
}

/**
 * Kernels over `memory`, which must not be shared and may be up to 4 GiB large.
 *
 * @param scratch start of `SCRATCH_BYTES` for the kernels' own use, a multiple of 32, at least `LOWEST_POINTER`
 * @throws RangeError if `scratch` does not fit
 */
export function bindKernels(set: KernelSet, memory: WasmMemory, scratch: number = LOWEST_POINTER): Kernels {
  assertMemorySpan(memory, "scratch", scratch, SCRATCH_BYTES);
  if (scratch % 32 !== 0) throw new RangeError(`"scratch" expected a multiple of 32, got ${scratch}`);
  if (set.module === undefined) return scalarKernels(memory, set.arithmetic);
  const api = webAssembly();
  if (api === undefined) throw new RangeError(`"set" expected scalar kernels: this runtime has no WebAssembly`);
  const { exports } = new api.Instance(set.module, { env: { memory } });
  exports["initialize"]?.(scratch, set.arithmetic === "lanes" ? 1 : 0);
  return wasmKernels(set, exports, memory, scratch);
}

/** The tier's module in base64; undefined where it cannot run. */
async function codeOf(tier: KernelTier): Promise<string | undefined> {
  const features = wasmFeatures();
  if (tier === "simd") {
    return features.simd ? (await import("./wasm-simd.ts")).WASM_SIMD : undefined;
  }
  if (!features.relaxedSimd || (tier === "wide" && wideV8() === undefined)) return undefined;
  return (await import("./wasm-relaxed.ts")).WASM_RELAXED;
}

function* selfTest(set: KernelSet): Generator<boolean> {
  const Memory = webAssembly()?.Memory;
  if (Memory === undefined) {
    yield false;
    return;
  }
  const memory = new Memory({ initial: SELF_TEST_PAGES });
  for (const { isRight } of checkTypes(bindKernels(set, memory, SELF_TEST_SCRATCH), set.types)) yield isRight;
}
