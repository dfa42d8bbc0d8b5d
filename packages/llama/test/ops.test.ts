import { createHash } from "node:crypto";
import { f16Values } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { expTable, rmsNorm, softmax, swiglu } from "../src/arithmetic/build803.ts";
import { randomValues } from "./support/hand-made.ts";

/** Hash of the entries of a table that are numbers. */
function sha256OfNumbers(table: Float32Array): string {
  const kept = table.filter((value) => !Number.isNaN(value));
  return createHash("sha256").update(new Uint8Array(kept.buffer)).digest("hex");
}

// the hashes were computed with expf of glibc 2.36
describe("tables over binary16", () => {
  test("exponential", () => {
    expect(sha256OfNumbers(expTable())).toBe("ce5a67d7b70937a8810565836773162292ee119cc1de2098aac85debbda5606f");
  });

  test("silu, seen through swiglu", () => {
    const gate = f16Values().slice();
    swiglu(gate, new Float32Array(65536).fill(1), 65536);
    expect(sha256OfNumbers(gate)).toBe("f080362423688fccb050aae527caf8286e8ed24f1208bafe9230fac75bac52de");
  });
});

describe("softmax", () => {
  test("rounds differences and exponentials to binary16", () => {
    const scores = new Float32Array([0, 0.1]);
    softmax(scores, 2);
    // e^-0.1 of the binary16 nearest to -0.1 is 0.90483…, in binary16 0.90478515625
    const e = 0.90478515625;
    const inverse = Math.fround(1 / (1 + e));
    expect([...scores]).toEqual([Math.fround(e * inverse), inverse]);
  });

  test("gives -Infinity no share and leaves what is past n alone", () => {
    const scores = new Float32Array([3, Number.NEGATIVE_INFINITY, 3, 99]);
    softmax(scores, 3);
    expect([...scores]).toEqual([0.5, 0, 0.5, 99]);
  });
});

describe("rmsNorm", () => {
  test("divides by the root mean square and multiplies by the weight", () => {
    const out = new Float32Array(2);
    rmsNorm(out, new Float32Array([3, 4]), new Float32Array([1, 2]), 1e-6);
    const scale = Math.fround(1 / Math.fround(Math.sqrt(Math.fround(12.5 + Math.fround(1e-6)))));
    expect([...out]).toEqual([Math.fround(3 * scale), Math.fround(Math.fround(4 * scale) * 2)]);
  });

  test("epsilon keeps a zero vector zero", () => {
    const out = new Float32Array(4).fill(9);
    rmsNorm(out, new Float32Array(4), new Float32Array(4).fill(1), 1e-6);
    expect([...out]).toEqual([0, 0, 0, 0]);
  });

  test("sums squares in double: many small ones beside a large one are not lost", () => {
    const x = new Float32Array(2 ** 16).fill(1);
    x[0] = 4096; // its square is 2^24, where adding 1 in f32 changes nothing
    const out = new Float32Array(x.length);
    rmsNorm(out, x, new Float32Array(x.length).fill(1), 1e-6);
    const mean = Math.fround((2 ** 24 + 2 ** 16 - 1) / 2 ** 16);
    expect(out[1]).toBe(Math.fround(1 / Math.fround(Math.sqrt(Math.fround(mean + Math.fround(1e-6))))));
  });

  test("works in place", () => {
    const x = randomValues(3, 64);
    const out = new Float32Array(64);
    const weight = randomValues(4, 64);
    rmsNorm(out, x, weight, 1e-5);
    rmsNorm(x, x, weight, 1e-5);
    expect(x).toEqual(out);
  });
});
