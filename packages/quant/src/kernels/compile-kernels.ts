// Compiling a module of kernels so that its code is that of a tier.

import type { KernelTier } from "./kernels.ts";
import { bytesFromBase64, v8ForX64, webAssembly } from "./web-assembly.ts";

/** A custom section named "wide": V8 shares the code of modules with equal bytes, and must not do so across a change of flags. */
const WIDE_SECTION: readonly number[] = [0, 5, 4, 0x77, 0x69, 0x64, 0x65];

/**
 * V8's flags while code of the tier "wide" is made. Only the optimising compiler makes 256-bit code: with these flags it
 * is given a function during the function's first call, and done before that goes on. Switching the baseline compiler or
 * inlining off has the same effect, but breaks what code that is there already relies on: V8 then aborts, now and then.
 */
const WIDE_FLAGS: readonly string[] = [
  "--experimental-wasm-revectorize",
  "--wasm-sync-tier-up",
  "--wasm-tiering-budget=1",
];

/** The same flags as they are by default, in Node 22, 24 and 26. */
const USUAL_FLAGS: readonly string[] = [
  "--no-experimental-wasm-revectorize",
  "--no-wasm-sync-tier-up",
  "--wasm-tiering-budget=13000000",
];

/**
 * The `WebAssembly.Module` of `base64`, its code, for `tier`; undefined if it fails its self-test, where `tier` does not run, and where
 * compiling is forbidden, as by a content security policy.
 *
 * The tier "wide" is made from the same 128-bit code as the others by V8 on x64, outside browsers, with flags that are set
 * while the code is compiled and at no other time. The module carries a custom section "wide", which its instances may ask for.
 *
 * @param passesSelfTest must call every function that is to be fast
 */
export async function compileKernels(
  tier: KernelTier,
  base64: string,
  passesSelfTest: (module: object) => boolean,
): Promise<object | undefined> {
  try {
    const code = bytesFromBase64(base64);
    if (tier === "wide") return compileWide(code, passesSelfTest);
    const module = await webAssembly()?.compile(code);
    return module !== undefined && passesSelfTest(module) ? module : undefined;
  } catch {
    return undefined;
  }
}

/** All of this is synchronous, so that nothing else is compiled with these flags. */
function compileWide(code: Uint8Array, passesSelfTest: (module: object) => boolean): object | undefined {
  const api = webAssembly();
  const v8 = v8ForX64();
  if (api === undefined || v8 === undefined) return undefined;
  const bytes = new Uint8Array(code.length + WIDE_SECTION.length);
  bytes.set(code);
  bytes.set(WIDE_SECTION, code.length);
  for (const flag of WIDE_FLAGS) v8.setFlagsFromString(flag);
  try {
    const module = new api.Module(bytes);
    // the first run has every function compiled, the second runs nothing but the result
    return passesSelfTest(module) && passesSelfTest(module) ? module : undefined;
  } finally {
    for (const flag of USUAL_FLAGS) v8.setFlagsFromString(flag);
  }
}
