// Compiling, testing and binding the kernels.

import type { KernelTier } from "@ll/quant";
import { assertMemorySpan } from "./guards.ts";
import { LLAMA_SCRATCH_BYTES, type LlamaKernels } from "./kernels.ts";
import { findWrongKernel, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { WASM_SIMD } from "./wasm-simd.ts";

/** What is used of Node's `v8` module. */
interface V8 {
  setFlagsFromString(flags: string): void;
}

interface Globals {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
}

/**
 * A custom section named "wide", after which the kernels choose their tiles. V8 shares the code of modules with equal bytes,
 * and must not do so across a change of flags.
 */
const WIDE_SECTION: readonly number[] = [0, 5, 4, 0x77, 0x69, 0x64, 0x65];

/** Compiled once per process. */
const loaded = new Map<KernelTier, Promise<WebAssembly.Module | undefined>>();

/**
 * The compiled kernels, which workers share when the module is sent to them; undefined for the tier "scalar", where
 * WebAssembly cannot be compiled, and if they fail their self-test.
 *
 * @param tier of the matrix kernels, which must have been loaded before: they set V8's flag for the tier "wide"
 */
export async function loadLlamaKernels(tier: KernelTier): Promise<WebAssembly.Module | undefined> {
  if (tier === "scalar") return undefined;
  let module = loaded.get(tier);
  if (module === undefined) {
    module = compileTested(tier);
    loaded.set(tier, module);
  }
  return module;
}

async function compileTested(tier: KernelTier): Promise<WebAssembly.Module | undefined> {
  const code = Uint8Array.from(atob(WASM_SIMD), (character) => character.charCodeAt(0));
  try {
    if (tier === "wide") return compileWide(code);
    const module = await WebAssembly.compile(code);
    return passesSelfTest(module) ? module : undefined;
  } catch {
    return undefined; // no simd128, or forbidden by a content security policy
  }
}

/**
 * 256-bit code comes from V8's optimising compiler only, so the baseline compiler is switched off until the self-test has had
 * every function compiled; nothing else runs meanwhile, because all of this is synchronous. Inlining is off as well since
 * the matrix kernels were loaded, which say why.
 */
function compileWide(code: Uint8Array): WebAssembly.Module | undefined {
  const v8 = (globalThis as unknown as Globals).process?.getBuiltinModule?.("node:v8") as V8 | undefined;
  if (v8 === undefined) return undefined;
  const bytes = new Uint8Array(code.length + WIDE_SECTION.length);
  bytes.set(code);
  bytes.set(WIDE_SECTION, code.length);
  v8.setFlagsFromString("--no-liftoff");
  try {
    const module = new WebAssembly.Module(bytes);
    return passesSelfTest(module) ? module : undefined;
  } finally {
    v8.setFlagsFromString("--liftoff");
  }
}

function passesSelfTest(module: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: SELF_TEST_PAGES });
  return findWrongKernel(bindLlamaKernels(module, memory, SELF_TEST_SCRATCH)) === undefined;
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
