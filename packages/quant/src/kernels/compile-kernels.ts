// Compiling a module of kernels so that its code is that of a tier.

import type { KernelTier } from "./kernels.ts";
import { bytesFromHex, commandLineFlags, now, threadMs, turn, type V8, webAssembly, wideV8 } from "./web-assembly.ts";

/** A custom section named "wide": V8 shares the code of modules with equal bytes, and must not do so across a change of flags. */
const WIDE_SECTION: readonly number[] = [0, 5, 4, 0x77, 0x69, 0x64, 0x65];

/**
 * V8's flags while code of the tier "wide" is made, and what undoes each. Only the optimising compiler makes 256-bit code: with these
 * flags it is given a function during the function's first call, and done before that goes on. Switching the baseline compiler or
 * inlining off has the same effect, but breaks what code that is there already relies on: V8 then aborts, now and then.
 */
const WIDE_FLAGS: readonly (readonly [flag: string, undo: string])[] = [
  ["--experimental-wasm-revectorize", "--no-experimental-wasm-revectorize"],
  ["--wasm-sync-tier-up", "--no-wasm-sync-tier-up"],
  ["--wasm-tiering-budget=1", "--wasm-tiering-budget=13000000"], // the default of Node 24 to 26
];

/** A self-test lets signals through after this many milliseconds. */
const SLICE_MS = 50;

/** Processor time that making and testing wide code may take, in milliseconds; usual are 250. */
const WIDE_LIMIT_MS = 2000;

/**
 * The `WebAssembly.Module` of `hex`, its code, for `tier`; undefined if it fails its self-test, where `tier` does not run, where
 * compiling is forbidden, as by a content security policy, and where wide code takes too long to make.
 *
 * The tier "wide" is made from the same 128-bit code as the others by V8 on x64, in the versions of Node where it is faster, with
 * process-wide flags that are set while the code is compiled, for some 50 ms at a time, and then as they were before. The module
 * carries a custom section "wide", which its instances may ask for.
 *
 * @param selfTest checks the module in steps of a few milliseconds, each true if all is right; it must call every function that is to
 * be fast
 */
export async function compileKernels(
  tier: KernelTier,
  hex: string,
  selfTest: (module: object) => Iterable<boolean>,
): Promise<object | undefined> {
  try {
    const code = bytesFromHex(hex);
    if (tier === "wide") return await compileWide(code, selfTest);
    const module = await webAssembly()?.compile(code);
    return module !== undefined && (await passes(selfTest(module), (work) => work())) ? module : undefined;
  } catch {
    return undefined;
  }
}

async function compileWide(
  code: Uint8Array,
  selfTest: (module: object) => Iterable<boolean>,
): Promise<object | undefined> {
  const api = webAssembly();
  const v8 = wideV8();
  if (api === undefined || v8 === undefined) return undefined;
  const bytes = new Uint8Array(code.length + WIDE_SECTION.length);
  bytes.set(code);
  bytes.set(WIDE_SECTION, code.length);
  const lastMs = threadMs() + WIDE_LIMIT_MS;
  const inWideFlags: Run = (work) => withWideFlags(v8, () => (threadMs() > lastMs ? false : work()));
  const module = withWideFlags(v8, () => new api.Module(bytes));
  // the first run has every function compiled, the second runs nothing but the result
  for (let run = 0; run < 2; run++) {
    if (!(await passes(selfTest(module), inWideFlags))) return undefined;
  }
  return module;
}

/** Runs one slice of a self-test. True: passed; false: failed; undefined: there is more to do. */
type Run = (slice: () => boolean | undefined) => boolean | undefined;

async function passes(checks: Iterable<boolean>, run: Run): Promise<boolean> {
  const iterator = checks[Symbol.iterator]();
  for (;;) {
    const result = run(() => runSlice(iterator));
    if (result !== undefined) return result;
    await turn();
  }
}

function runSlice(checks: Iterator<boolean>): boolean | undefined {
  const end = now() + SLICE_MS;
  do {
    const { done, value } = checks.next();
    if (done === true) return true;
    if (!value) return false;
  } while (now() < end);
  return undefined;
}

/**
 * Runs `work`, synchronously so that nothing else is compiled with these flags, and then sets each flag as it was. V8 tells no flag's
 * value, but whether it changed: a flag that the host had set is left alone. A budget of the host's own is known from the command
 * line; what the host sets later by `v8.setFlagsFromString` is not, and becomes the default.
 */
function withWideFlags<T>(v8: V8, work: () => T): T {
  const changes: { readonly tag: number; readonly flag: string; readonly undo: string }[] = [];
  try {
    for (const [flag, undo] of WIDE_FLAGS) {
      const tag = v8.cachedDataVersionTag();
      v8.setFlagsFromString(flag);
      if (v8.cachedDataVersionTag() !== tag) changes.unshift({ tag, flag, undo });
    }
    return work();
  } finally {
    for (const { tag, flag, undo } of changes) {
      v8.setFlagsFromString(undo);
      if (v8.cachedDataVersionTag() !== tag) restoreFromCommandLine(v8, flag);
    }
  }
}

/** Sets the number of `flag`, such as --name=1, to what the command line says, where it says something. */
function restoreFromCommandLine(v8: V8, flag: string): void {
  const name = flag.replace(/=.*/, "=");
  const given = commandLineFlags().findLast((option) => option.replaceAll("_", "-").startsWith(name));
  if (given !== undefined) v8.setFlagsFromString(given);
}
