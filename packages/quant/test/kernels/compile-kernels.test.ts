// What compiling does to the process around it: V8's flags, signals, time.

import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { compileKernels, LOWEST_POINTER } from "../../src/kernels/index.ts";
import { SELF_TEST_PAGES } from "../../src/kernels/self-test.ts";
import { WASM_SIMD } from "../../src/kernels/wasm-simd.ts";
import { WASM_TIERS } from "./kernel-cases.ts";

const isWideHere = WASM_TIERS.includes("wide");
const INDEX = new URL("../../src/kernels/index.ts", import.meta.url).href;

/** Runs a script on this Node with more options; it has `v8`, `loadKernels` and a `tag` that is equal while V8's flags are. */
function run(script: string, ...options: string[]): string {
  const start = `import v8 from "node:v8"; const { loadKernels } = await import(${JSON.stringify(INDEX)}); const tag = () => v8.cachedDataVersionTag();`;
  const args = [
    ...options,
    "--conditions=@ll/source",
    "--no-warnings",
    "--input-type=module",
    "--eval",
    start + script,
  ];
  return execFileSync(process.execPath, args, { encoding: "utf8" }).trim();
}

describe.skipIf(!isWideHere)("V8's flags", () => {
  const LOAD = "const before = tag(); const { tier } = await loadKernels(); console.log(tier, tag() === before);";

  test.each<[string, ...string[]]>([
    ["the defaults"],
    ["a budget", "--wasm-tiering-budget=5000"],
    ["a budget with underscores, the last of two", "--wasm-tiering-budget=70", "--wasm_tiering_budget=5000"],
    ["the budget of wide code", "--wasm-tiering-budget=1"],
    ["synchronous compiling", "--wasm-sync-tier-up"],
    ["256-bit code for everything", "--experimental-wasm-revectorize"],
  ])("are as they were: %s", (_, ...options) => {
    expect(run(LOAD, ...options)).toBe("wide true");
  });

  test.each(["--wasm-sync-tier-up", "--experimental-wasm-revectorize", "--wasm-tiering-budget=1"])(
    "are as the host set them at run time: %s",
    (flag) => {
      expect(run(`v8.setFlagsFromString("${flag}"); ${LOAD}`)).toBe("wide true");
    },
  );

  test("are as they were while others get their turn, and after a failure", async () => {
    const { cachedDataVersionTag } = process.getBuiltinModule("node:v8");
    const before = cachedDataVersionTag();
    let inTurns = 0;
    let inSteps = 0;
    const watch = setInterval(() => {
      expect(cachedDataVersionTag()).toBe(before);
      inTurns++;
    });
    const module = await compileKernels("wide", WASM_SIMD, function* () {
      while (inTurns < 3) {
        if (cachedDataVersionTag() !== before) inSteps++;
        yield true;
      }
      throw new Error("a trap");
    });
    clearInterval(watch);
    expect(module).toBeUndefined();
    expect(inSteps).toBeGreaterThan(0);
    expect(cachedDataVersionTag()).toBe(before);
  });

  test("are never touched for the tiers below", () => {
    const watch = "let changes = 0; v8.setFlagsFromString = () => void changes++;";
    const load = "for (const tier of ['scalar', 'simd', 'relaxed']) await loadKernels(tier); console.log(changes);";
    expect(run(watch + load)).toBe("0");
  });
});

test.each(WASM_TIERS)("the self-test of %s lets signals through", async (tier) => {
  let isHeard = false;
  process.once("SIGUSR2", () => {
    isHeard = true;
  });
  process.kill(process.pid, "SIGUSR2");
  const module = await compileKernels(tier, WASM_SIMD, function* () {
    while (!isHeard) yield true; // for ever, if no turn comes
  });
  expect(module).toBeInstanceOf(WebAssembly.Module);
});

test.skipIf(!isWideHere)("wide code that takes too long is none", async () => {
  const module = await compileKernels("wide", WASM_SIMD, function* () {
    for (;;) yield true;
  });
  expect(module).toBeUndefined();
});

test.each(WASM_TIERS)("a module of %s whose last check fails is none", async (tier) => {
  const memory = new WebAssembly.Memory({ initial: SELF_TEST_PAGES });
  const compiled = await compileKernels(tier, WASM_SIMD, function* (module) {
    const { exports } = new WebAssembly.Instance(module as WebAssembly.Module, { env: { memory } });
    (exports["initialize"] as (scratch: number) => void)(LOWEST_POINTER);
    yield true;
    yield false;
  });
  expect(compiled).toBeUndefined();
});
