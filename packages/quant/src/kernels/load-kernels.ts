// Choosing, compiling, testing and binding kernels.

import type { ArithmeticName } from "../rows.ts";
import { compileKernels } from "./compile-kernels.ts";
import {
  assertMemorySpan,
  type KernelName,
  type KernelProducts,
  type KernelSet,
  type Kernels,
  type KernelTier,
  LOWEST_POINTER,
  SCRATCH_BYTES,
} from "./kernels.ts";
import { fasterProducts, productTimer } from "./products.ts";
import { scalarKernels } from "./scalar-kernels.ts";
import { checkTypes, SELF_TEST_PAGES, SELF_TEST_SCRATCH } from "./self-test.ts";
import { wasmKernels } from "./wasm-kernels.ts";
import { PAIR_TYPES, WASM_LAYOUTS } from "./wasm-layouts.ts";
import { type WasmMemory, wasmFeatures, webAssembly, wideV8 } from "./web-assembly.ts";

/** All tiers, slowest first. */
export const KERNEL_TIERS: readonly KernelTier[] = ["scalar", "simd", "relaxed", "wide"];

/** What may be asked for: tiers, and those that have both products with each of them. */
export const KERNEL_NAMES: readonly KernelName[] = [
  ...KERNEL_TIERS,
  "relaxed-chain",
  "relaxed-pairs",
  "wide-chain",
  "wide-pairs",
];

/** By `name`, arithmetic and types. V8 shares the code of modules with equal bytes. */
const loaded = new Map<string, Promise<KernelSet>>();

/**
 * The fastest kernels that run here and pass their self-test, of the tier of `name` or below. The same call gives the same kernels.
 *
 * @param name without products these are timed, which takes a fraction of a millisecond
 * @param types of rows, that there shall be kernels for; fewer are tested and compiled sooner, some 10 ms for each in the tier "wide"
 * @throws RangeError if `name` is none of `KERNEL_NAMES`, or a type is none of those that rows can have
 */
export async function loadKernels(
  name: KernelName = "wide",
  arithmetic: ArithmeticName = "build803",
  types: Iterable<string> = WASM_LAYOUTS.keys(),
): Promise<KernelSet> {
  if (!KERNEL_NAMES.includes(name)) {
    throw new RangeError(`"name" expected one of ${KERNEL_NAMES.join(" ")}, got ${String(name)}`);
  }
  const asked = new Set(types);
  const wanted = [...WASM_LAYOUTS.keys()].filter((type) => asked.has(type));
  const unknown = [...asked].find((type) => !WASM_LAYOUTS.has(type));
  if (unknown !== undefined) throw new RangeError(`"types" expected types that rows can have, got ${unknown}`);
  const key = [name, arithmetic, ...wanted].join(" ");
  let set = loaded.get(key);
  if (set === undefined) {
    set = compileBest(name, arithmetic, wanted);
    loaded.set(key, set);
  }
  return set;
}

async function compileBest(name: KernelName, arithmetic: ArithmeticName, types: readonly string[]): Promise<KernelSet> {
  const [highest, asked] = name.split("-") as [KernelTier, KernelProducts?];
  for (const tier of KERNEL_TIERS.slice(1, KERNEL_TIERS.indexOf(highest) + 1).reverse()) {
    const code = await codeOf(tier);
    if (code === undefined) continue;
    const hasBoth = tier !== "simd" && types.some((type) => PAIR_TYPES.has(type));
    let products: KernelProducts | undefined = hasBoth ? asked : "chain";
    const setOf = (module: object): KernelSet => {
      products ??= fasterProducts(productTimer(module));
      return { tier, products, arithmetic, types, module };
    };
    const module = await compileKernels(tier, code, (candidate) => selfTest(() => setOf(candidate)));
    if (module !== undefined) return setOf(module);
  }
  return { tier: "scalar", products: "chain", arithmetic, types, module: undefined };
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
  exports["initialize"]?.(scratch, set.arithmetic === "lanes" ? 1 : 0, set.products === "pairs" ? 1 : 0);
  return wasmKernels(set, exports, memory, scratch);
}

/** The tier's module in hexadecimal; undefined where it cannot run. */
async function codeOf(tier: KernelTier): Promise<string | undefined> {
  const features = wasmFeatures();
  if (tier === "simd") {
    return features.simd ? (await import("./wasm-simd.ts")).WASM_SIMD : undefined;
  }
  if (!features.relaxedSimd || (tier === "wide" && wideV8() === undefined)) return undefined;
  return (await import("./wasm-relaxed.ts")).WASM_RELAXED;
}

/** @param candidate is called at the first step, so that code which it runs is made as all other */
function* selfTest(candidate: () => KernelSet): Generator<boolean> {
  const Memory = webAssembly()?.Memory;
  if (Memory === undefined) {
    yield false;
    return;
  }
  const memory = new Memory({ initial: SELF_TEST_PAGES });
  const set = candidate();
  for (const { isRight } of checkTypes(bindKernels(set, memory, SELF_TEST_SCRATCH), set.types)) yield isRight;
}
