// Compiling, testing and binding the kernels.

import type { KernelTier } from "@ll/quant";
import { assertMemorySpan } from "./guards.ts";
import { LLAMA_SCRATCH_BYTES, type LlamaKernels } from "./kernels.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { WASM_SIMD } from "./wasm-simd.ts";

/** A custom section named "wide": V8 shares the code of modules with equal bytes, and must not do so across a change of flags. */
const WIDE_SECTION: readonly number[] = [0, 5, 4, 0x77, 0x69, 0x64, 0x65];

/**
 * The compiled kernels, which workers share when the module is sent to them; undefined for the tier "scalar" and where
 * WebAssembly cannot be compiled.
 *
 * @param tier of the matrix kernels, which must have been loaded before: they set V8's flags for the tier "wide"
 */
export async function loadLlamaKernels(tier: KernelTier): Promise<WebAssembly.Module | undefined> {
  if (tier === "scalar") return undefined;
  const code = Uint8Array.from(atob(WASM_SIMD), (character) => character.charCodeAt(0));
  const section = tier === "wide" ? WIDE_SECTION : [];
  const bytes = new Uint8Array(code.length + section.length);
  bytes.set(code);
  bytes.set(section, code.length);
  try {
    return await WebAssembly.compile(bytes);
  } catch {
    return undefined; // no simd128, or forbidden by a content security policy
  }
}

/**
 * Kernels on `memory`, which may hold the instances of other modules as well.
 *
 * @param scratch start of `LLAMA_SCRATCH_BYTES`, a multiple of 64, written here once and not to be touched afterwards
 * @throws RangeError if `scratch` does not fit
 */
export function bindLlamaKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  scratch: number,
): LlamaKernels {
  assertMemorySpan(memory, "scratch", scratch, LLAMA_SCRATCH_BYTES);
  if (scratch % 64 !== 0) throw new RangeError(`"scratch" expected a multiple of 64, got ${scratch}`);
  return wasmKernels(module, memory, scratch);
}
