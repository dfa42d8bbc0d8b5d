// Compiling and testing the kernels.

import { allocate } from "@ll/bytes";
import { type ArithmeticName, compileKernels, type KernelTier } from "@ll/quant";
import { ARITHMETICS } from "../arithmetic/index.ts";
import { isOfBuild803, type KvTypes, kvTypeName } from "../kv-type.ts";
import type { LlamaKernels } from "./kernels.ts";
import { attendsAlike, checkKernels, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { bindLlamaKernels, isWideModule } from "./wasm-kernels.ts";
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
  const module = await compileKernels(tier, WASM_SIMD, function* (candidate) {
    for (const { isRight } of checkKernels(testKernels(candidate, arithmetic), ARITHMETICS[arithmetic])) yield isRight;
  });
  return module === undefined && tier === "wide" ? compile("simd", arithmetic) : module;
}

/** Cache types whose attention was tested, by the module's tier, arithmetic and type. */
const tested = new Map<string, Promise<object | undefined>>();

/**
 * Tests attention over caches that few contexts have, and compiles it, once per process: V8 shares the code of modules with equal bytes. To
 * be called before a context with one is made.
 * @throws Error if it fails
 */
export async function testCacheKernels(
  module: WebAssembly.Module,
  arithmetic: ArithmeticName,
  kvType: KvTypes,
): Promise<void> {
  if (isOfBuild803(kvType)) return; // tested when the kernels were loaded
  const tier = isWideModule(module) ? "wide" : "simd";
  const key = `${tier} ${arithmetic} ${kvTypeName(kvType)}`;
  let test = tested.get(key);
  if (test === undefined) {
    test = compileKernels(tier, WASM_SIMD, function* (candidate) {
      yield attendsAlike(testKernels(candidate, arithmetic), ARITHMETICS[arithmetic], kvType);
    });
    tested.set(key, test);
  }
  if ((await test) === undefined)
    throw new Error(`the kernels for ${kvTypeName(kvType)} caches fail their self-test here`);
}

function testKernels(module: object, arithmetic: ArithmeticName): LlamaKernels {
  const memory = allocate("the kernels' test", () => new WebAssembly.Memory({ initial: SELF_TEST_PAGES }));
  return bindLlamaKernels(module as WebAssembly.Module, arithmetic, memory, SELF_TEST_SCRATCH);
}
