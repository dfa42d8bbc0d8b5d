// Choosing, compiling, testing and binding kernels.

import { type Kernels, type KernelTier, LOWEST_POINTER, SCRATCH_BYTES } from "./kernels.ts";
import { assertMemorySpan } from "./memory-span.ts";
import { scalarKernels } from "./scalar-kernels.ts";
import { findWrongType, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { bytesFromBase64, v8ForX64, type WasmMemory, wasmFeatures, webAssembly } from "./web-assembly.ts";

/** All tiers, slowest first. */
export const KERNEL_TIERS: readonly KernelTier[] = ["scalar", "simd", "relaxed", "wide"];

/** A custom section named "wide": V8 shares the code of modules with equal bytes, and must not do so across a change of flags. */
const WIDE_SECTION: readonly number[] = [0, 5, 4, 0x77, 0x69, 0x64, 0x65];

/** Kernels that work on this machine, not bound to a memory yet. A structured clone does: send it to workers. */
export interface KernelSet {
  readonly tier: KernelTier;
  /** A `WebAssembly.Module`, which workers share with its compiled code; undefined for the scalar tier. */
  readonly module: object | undefined;
}

/**
 * The fastest kernels that run here and pass their self-test, of `maxTier` or below.
 *
 * The tier "wide" sets V8's `--experimental-wasm-revectorize` for the whole process, so that the module's functions are
 * compiled to 256-bit code whenever that happens; it is never tried in a browser.
 *
 * @throws RangeError if `maxTier` is no tier
 */
export async function loadKernels(maxTier: KernelTier = "wide"): Promise<KernelSet> {
  const highest = KERNEL_TIERS.indexOf(maxTier);
  if (highest < 0) throw new RangeError(`"maxTier" expected one of ${KERNEL_TIERS.join(" ")}, got ${String(maxTier)}`);
  for (const tier of KERNEL_TIERS.slice(1, highest + 1).reverse()) {
    const module = await compileTier(tier);
    if (module !== undefined && passesSelfTest(tier, module)) return { tier, module };
  }
  return { tier: "scalar", module: undefined };
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
  if (set.module === undefined) return scalarKernels(memory);
  const api = webAssembly();
  if (api === undefined) throw new RangeError(`"set" expected scalar kernels: this runtime has no WebAssembly`);
  const { exports } = new api.Instance(set.module, { env: { memory } });
  exports["initialize"]?.(scratch);
  return wasmKernels(set.tier, exports, memory);
}

/** A compiled module; undefined where the tier cannot run. */
async function compileTier(tier: KernelTier): Promise<object | undefined> {
  const features = wasmFeatures();
  if (tier === "simd") return features.simd ? compile((await import("./wasm-simd.ts")).WASM_SIMD) : undefined;
  if (!features.relaxedSimd) return undefined;
  const { WASM_RELAXED } = await import("./wasm-relaxed.ts");
  if (tier === "relaxed") return compile(WASM_RELAXED);
  const v8 = v8ForX64();
  if (v8 === undefined) return undefined;
  v8.setFlagsFromString("--experimental-wasm-revectorize");
  return compile(WASM_RELAXED, WIDE_SECTION);
}

/** Undefined too where compiling is forbidden, as by a content security policy. */
async function compile(base64: string, customSection: readonly number[] = []): Promise<object | undefined> {
  try {
    const code = bytesFromBase64(base64);
    const bytes = new Uint8Array(code.length + customSection.length);
    bytes.set(code);
    bytes.set(customSection, code.length);
    return await webAssembly()?.compile(bytes);
  } catch {
    return undefined;
  }
}

function passesSelfTest(tier: KernelTier, module: object): boolean {
  const v8 = tier === "wide" ? v8ForX64() : undefined;
  const Memory = webAssembly()?.Memory;
  if (Memory === undefined) return false;
  // the 256-bit code comes from the optimising compiler only: without the baseline compiler the first call makes it
  v8?.setFlagsFromString("--no-liftoff");
  try {
    const memory = new Memory({ initial: SELF_TEST_PAGES });
    return findWrongType(bindKernels({ tier, module }, memory, SELF_TEST_SCRATCH)) === undefined;
  } catch {
    return false;
  } finally {
    v8?.setFlagsFromString("--liftoff");
  }
}
