// Compiling, testing and binding the kernels.

import { allocate } from "@ll/bytes";
import { assertMemorySpan, compileKernels, type KernelTier } from "@ll/quant";
import { LLAMA_SCRATCH_BYTES, type LlamaKernels } from "./kernels.ts";
import { checkKernels, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { WASM_SIMD } from "./wasm-simd.ts";

/** Compiled once per process. */
const loaded = new Map<KernelTier, Promise<WebAssembly.Module | undefined>>();

/**
 * The compiled kernels, which workers share when the module is sent to them; undefined for the tier "scalar", where
 * WebAssembly cannot be compiled, and if they fail their self-test.
 *
 * @param tier of the matrix kernels
 */
export async function loadLlamaKernels(tier: KernelTier): Promise<WebAssembly.Module | undefined> {
  if (tier === "scalar") return undefined;
  let module = loaded.get(tier);
  if (module === undefined) {
    module = compile(tier);
    loaded.set(tier, module);
  }
  return module;
}

/** V8's 256-bit code may fail where its 128-bit code does not. Either goes with the matrix kernels of any tier. */
async function compile(tier: KernelTier): Promise<WebAssembly.Module | undefined> {
  const module = await compileKernels(tier, WASM_SIMD, selfTest);
  return module === undefined && tier === "wide" ? compile("simd") : module;
}

function* selfTest(module: WebAssembly.Module): Generator<boolean> {
  const memory = allocate("the kernels' test", () => new WebAssembly.Memory({ initial: SELF_TEST_PAGES }));
  for (const { isRight } of checkKernels(bindLlamaKernels(module, memory, SELF_TEST_SCRATCH))) yield isRight;
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
