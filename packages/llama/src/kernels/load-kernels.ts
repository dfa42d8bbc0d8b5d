// Compiling, testing and binding the kernels.

import { allocate } from "@ll/bytes";
import { type ArithmeticName, assertMemorySpan, compileKernels, type KernelTier } from "@ll/quant";
import { ARITHMETICS } from "../arithmetic/index.ts";
import { type LlamaKernels, llamaScratchBytes } from "./kernels.ts";
import { checkKernels, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { WASM_SIMD } from "./wasm-simd.ts";

/** Compiled once per process, by tier and arithmetic. */
const loaded = new Map<string, Promise<WebAssembly.Module | undefined>>();

/**
 * The compiled kernels, which workers share when the module is sent to them; undefined for the tier "scalar", where
 * WebAssembly cannot be compiled, and if they fail their self-test.
 *
 * @param tier of the matrix kernels
 */
export async function loadLlamaKernels(
  tier: KernelTier,
  arithmetic: ArithmeticName,
): Promise<WebAssembly.Module | undefined> {
  if (tier === "scalar") return undefined;
  const key = `${tier} ${arithmetic}`;
  let module = loaded.get(key);
  if (module === undefined) {
    module = compile(tier, arithmetic);
    loaded.set(key, module);
  }
  return module;
}

/** V8's 256-bit code may fail where its 128-bit code does not. Either goes with the matrix kernels of any tier. */
async function compile(tier: KernelTier, arithmetic: ArithmeticName): Promise<WebAssembly.Module | undefined> {
  const module = await compileKernels(tier, WASM_SIMD, (candidate) => selfTest(candidate, arithmetic));
  return module === undefined && tier === "wide" ? compile("simd", arithmetic) : module;
}

function* selfTest(module: WebAssembly.Module, arithmetic: ArithmeticName): Generator<boolean> {
  const memory = allocate("the kernels' test", () => new WebAssembly.Memory({ initial: SELF_TEST_PAGES }));
  const kernels = bindLlamaKernels(module, arithmetic, memory, SELF_TEST_SCRATCH);
  for (const { isRight } of checkKernels(kernels, ARITHMETICS[arithmetic])) yield isRight;
}

/**
 * Kernels on `memory`, which may hold the instances of other modules as well.
 *
 * @param scratch start of `llamaScratchBytes(arithmetic)`, a multiple of 64, written here once and not to be touched afterwards
 * @throws RangeError if `scratch` does not fit
 */
export function bindLlamaKernels(
  module: WebAssembly.Module,
  arithmetic: ArithmeticName,
  memory: WebAssembly.Memory,
  scratch: number,
): LlamaKernels {
  assertMemorySpan(memory, "scratch", scratch, llamaScratchBytes(arithmetic));
  if (scratch % 64 !== 0) throw new RangeError(`"scratch" expected a multiple of 64, got ${scratch}`);
  return wasmKernels(module, arithmetic, memory, scratch);
}
