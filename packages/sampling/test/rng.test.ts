import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRng, resolveSeed } from "../src/index.ts";

const oracle = JSON.parse(readFileSync(join(import.meta.dirname, "oracle/libstdcxx.json"), "utf8"));

describe("next", () => {
  test("gives the outputs of std::mt19937", () => {
    const rng = createRng(42);
    const outputs = Array.from({ length: 5 }, () => rng.next());
    expect(outputs).toEqual([1608637542, 3421126067, 4083286876, 787846414, 3143890026]);
  });

  test("gives 4123659995 as the 10,000th output of the default seed, as the C++ standard demands", () => {
    const rng = createRng(5489);
    for (let i = 1; i < 10_000; i++) rng.next();
    expect(rng.next()).toBe(4123659995);
  });
});

describe("draw", () => {
  test("draws as std::discrete_distribution does", () => {
    const rng = createRng(42);
    const weights = new Float32Array([0.1, 0.2, 0.3, 0.4]);
    const drawn = Array.from({ length: 20 }, () => rng.draw(weights));
    expect(drawn).toEqual([3, 1, 3, 2, 2, 0, 2, 2, 1, 3, 0, 3, 3, 0, 3, 3, 3, 0, 0, 2]);
  });

  test.each<{ seed: number; n: number; draws: number[]; state: number }>(oracle.draws)(
    "repeats the recorded draws and state of seed $seed with $n weights",
    ({ seed, n, draws, state }) => {
      const rng = createRng(seed);
      const weights = Float32Array.from({ length: n }, () => Math.fround(rng.next() % 1000) / Math.fround(1000));
      expect(draws.map(() => rng.draw(weights))).toEqual(draws);
      expect(fnv1a(rng.exportState())).toBe(state);
    },
  );

  // the doubles that seed 42 stands for, found by asking for the first of two weights with shares around them
  test.each([0.79654298428784598, 0.18343478789336848, 0.77969099761266125])("uses the uniform double %d", (u) => {
    const skipped = [0.79654298428784598, 0.18343478789336848, 0.77969099761266125].indexOf(u);
    const drawFirstOf = (share: number) => {
      const rng = createRng(42);
      for (let i = 0; i < 2 * skipped; i++) rng.next();
      return rng.draw([share, 1 - share]);
    };
    expect(drawFirstOf(u)).toBe(0); // a share of exactly u is reached
    expect(drawFirstOf(u - 2 ** -52)).toBe(1);
  });

  test("costs no engine output when there is no choice", () => {
    const rng = createRng(7);
    const before = rng.exportState();
    expect(rng.draw([])).toBe(0);
    expect(rng.draw([5])).toBe(0);
    expect(rng.draw([5, 5], 1)).toBe(0);
    expect(rng.exportState()).toBe(before);
  });

  test("stays in range for weights that are no distribution", () => {
    const rng = createRng(7);
    for (const weights of [
      [0, 0, 0],
      [Number.NaN, 1, 1],
      [1, 1, Number.NaN],
      [Number.POSITIVE_INFINITY, 1],
      [1e-320, 1e-320],
    ]) {
      expect([...weights.keys()]).toContain(rng.draw(weights));
    }
    expect(rng.draw([Number.NaN, Number.NaN])).toBe(0);
  });
});

describe("state", () => {
  test("is 624 words and a position in decimal, separated by single spaces", () => {
    const rng = createRng(42);
    const words = rng.exportState().split(" ");
    expect(words).toHaveLength(625);
    expect(words[0]).toBe("42"); // the first word of a fresh state is the seed
    expect(words[624]).toBe("624"); // nothing generated yet
    rng.next();
    expect(rng.exportState().split(" ")[624]).toBe("1");
  });

  test.each([0, 1, 623, 624, 1000])("continues the sequence after %d outputs", (count) => {
    const original = createRng(42);
    for (let i = 0; i < count; i++) original.next();
    const restored = createRng(1);
    restored.importState(original.exportState());
    expect(Array.from({ length: 700 }, () => restored.next())).toEqual(
      Array.from({ length: 700 }, () => original.next()),
    );
  });

  const valid = createRng(1).exportState();
  test.each([
    ["empty", ""],
    ["a word short", valid.slice(valid.indexOf(" ") + 1)],
    ["a word long", `${valid} 1`],
    ["a word above 32 bits", valid.replace("1 ", "4294967296 ")],
    ["a position above 624", valid.replace(/624$/, "625")],
    ["a sign", valid.replace("1 ", "-1 ")],
    ["hexadecimal", valid.replace("1 ", "0x1 ")],
    ["a double space", valid.replace(" ", "  ")],
    ["trailing NUL bytes", `${valid}\0\0`],
  ])("refuses %s and keeps the engine", (_what, text) => {
    const rng = createRng(9);
    expect(() => rng.importState(text)).toThrow(RangeError);
    expect(rng.exportState()).toBe(createRng(9).exportState());
  });
});

describe("seeds", () => {
  test("seed() starts over", () => {
    const rng = createRng(42);
    rng.next();
    rng.seed(42);
    expect(rng.next()).toBe(1608637542);
  });

  test.each([-1, 2 ** 32, 0.5, Number.NaN])("createRng refuses %d", (seed) => {
    expect(() => createRng(seed)).toThrow('"seed" expected integer in [0, 4294967295]');
  });

  test("resolveSeed takes the clock for -1, in seconds", () => {
    expect(resolveSeed(-1, 1_688_812_345_678)).toBe(1_688_812_345);
    expect(resolveSeed(0xffffffff, 1_688_812_345_678)).toBe(1_688_812_345);
    expect(resolveSeed(42, 0)).toBe(42);
    expect(resolveSeed(-2, 0)).toBe(0xfffffffe);
    expect(() => resolveSeed(Number.NaN)).toThrow(RangeError);
    expect(() => resolveSeed(2 ** 32)).toThrow(RangeError);
  });
});

function fnv1a(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0;
  return hash;
}
