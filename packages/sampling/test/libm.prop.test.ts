import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { expf, log2f, logf } from "../src/index.ts";
import { expAll } from "../src/libm.ts";

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

function withBits(pattern: number): number {
  bits[0] = pattern;
  return floats[0]!;
}

/** Distance of two binary32 numbers of the same sign, in units in the last place. */
function ulpDistance(a: number, b: number): number {
  floats[0] = a;
  const first = bits[0]!;
  floats[0] = b;
  return Math.abs(first - bits[0]!);
}

const positive = fc.integer({ min: 1, max: 0x7f7fffff }).map(withBits); // every positive finite binary32
const exponent = fc.float({ min: -100, max: 88, noNaN: true });

describe("monotonic on neighbours", () => {
  // all 2^32 arguments were tried once on glibc itself: none breaks the order
  test.prop([fc.integer({ min: 1, max: 0x7f7ffffe })])("expf, logf, log2f", (pattern) => {
    const [low, high] = [withBits(pattern), withBits(pattern + 1)];
    expect(expf(low)).toBeLessThanOrEqual(expf(high));
    expect(expf(-low)).toBeGreaterThanOrEqual(expf(-high));
    expect(logf(low)).toBeLessThanOrEqual(logf(high));
    expect(log2f(low)).toBeLessThanOrEqual(log2f(high));
  });
});

describe("near the double functions", () => {
  // both sides are within 0.51 units of the true value before rounding to whole units, so rounded they differ by at most 1
  test.prop([exponent])("expf", (x) => {
    expect(ulpDistance(expf(x), Math.fround(Math.exp(x)))).toBeLessThanOrEqual(1);
  });
  test.prop([positive])("logf", (x) => {
    expect(ulpDistance(logf(x), Math.fround(Math.log(x)))).toBeLessThanOrEqual(1);
  });
  test.prop([positive])("log2f", (x) => {
    expect(ulpDistance(log2f(x), Math.fround(Math.log2(x)))).toBeLessThanOrEqual(1);
  });
});

const anyFloat = fc.oneof(
  fc.float(),
  fc.float({ min: -24, max: 0 }),
  fc.constantFrom(0, -0, -22, Math.fround(-22.0000019), Math.fround(-21.9999981)),
);
test.prop([fc.array(anyFloat, { maxLength: 40, size: "max" })])("expAll is expf of each", (values) => {
  const out = new Float32Array(values.length);
  expAll(Float32Array.from(values), values.length, out);
  expect(out).toEqual(Float32Array.from(values, expf));
  const inPlace = Float32Array.from(values);
  expAll(inPlace, values.length, inPlace);
  expect(inPlace).toEqual(out);
});
