import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expf, log2f, logf, powf } from "../src/index.ts";

const oracle = JSON.parse(readFileSync(join(import.meta.dirname, "oracle/libstdcxx.json"), "utf8"));
const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The binary32 neighbour of a positive `x` away from 0. */
function next(x: number): number {
  floats[0] = x;
  bits[0]!++;
  return floats[0]!;
}

describe("against glibc 2.36", () => {
  // every 4,099th of all bit patterns: 1,047,808 arguments; the hash is FNV-1a over the results
  test.each([
    ["expf", expf],
    ["logf", logf],
    ["log2f", log2f],
  ] as const)("%s gives the same bits", (name, f) => {
    let hash = 2166136261;
    for (let pattern = 0; pattern < 2 ** 32; pattern += 4099) {
      bits[0] = pattern;
      const y = f(floats[0]!);
      floats[0] = y;
      hash = Math.imul(hash ^ (Number.isNaN(y) ? 0x7fc00000 : bits[0]!), 16777619) >>> 0;
    }
    expect(hash).toBe(oracle.libm[name]);
  });
});

describe("expf", () => {
  test("is exact at 0 and at the ends", () => {
    expect(expf(0)).toBe(1);
    expect(expf(-0)).toBe(1);
    expect(expf(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(expf(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(expf(Number.NaN)).toBeNaN();
  });

  test("rounds its reduced argument once: the two arguments where that shows", () => {
    expect(expf(32.564632415771484)).toBe(0x1f93e38 * 2 ** 22);
    expect(expf(-63.09946060180664)).toBe(0x1f45326 * 2 ** -116);
  });

  test("overflows just above 128 ln 2 and underflows just below -150 ln 2", () => {
    const highest = Math.fround(88.72283172607422);
    expect(expf(highest)).toBeGreaterThan(3.4e38);
    expect(expf(highest)).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(expf(next(highest))).toBe(Number.POSITIVE_INFINITY);
    const lowest = Math.fround(-103.97207641601562);
    expect(expf(lowest)).toBe(2 ** -149);
    expect(expf(next(lowest))).toBe(0);
  });
});

describe.each([
  ["logf", logf],
  ["log2f", log2f],
] as const)("%s", (_name, f) => {
  test("has the special values of C", () => {
    expect(f(1)).toBe(0);
    expect(f(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(f(-0)).toBe(Number.NEGATIVE_INFINITY);
    expect(f(-1)).toBeNaN();
    expect(f(Number.NEGATIVE_INFINITY)).toBeNaN();
    expect(f(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(f(Number.NaN)).toBeNaN();
  });
});

test("log2f is exact for every power of two, subnormal ones included", () => {
  for (let k = -149; k <= 127; k++) expect(log2f(2 ** k)).toBe(k);
});

describe("powf", () => {
  test("rounds the double power", () => {
    expect(powf(2, 10)).toBe(1024);
    expect(powf(10000, Math.fround(-2 / 128))).toBe(Math.fround(10000 ** Math.fround(-2 / 128)));
    expect(powf(2, 128)).toBe(Number.POSITIVE_INFINITY);
  });

  test("gives 1 for a base of 1, as C does", () => {
    expect(powf(1, Number.NaN)).toBe(1);
    expect(powf(1, Number.POSITIVE_INFINITY)).toBe(1);
    expect(powf(2, Number.NaN)).toBeNaN();
  });
});
