import { fc, test } from "@fast-check/vitest";
import { f16Values } from "@ll/bytes";
import { describe, expect } from "vitest";
import { bitsOf, FIRST, floatsAt, halvesAt, kernelPair, numbers, placer, spreads, TIERS } from "./kernel-pair.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const lengths = fc.integer({ min: 0, max: 40 });
const floats = fc.float({ noDefaultInfinity: false });

/** Bit patterns of binary32 on both sides of everything that matters to rounding: each binary16 and each midpoint. */
function roundingCases(): Uint32Array {
  const values = f16Values().subarray(0, 0x7c01); // 0 … infinity
  const cases: number[] = [];
  const bits = new Uint32Array(1);
  const value = new Float32Array(bits.buffer);
  for (let i = 0; i < 0x7c00; i++) {
    const upper = i === 0x7bff ? 65536 : values[i + 1]!;
    for (const x of [values[i]!, (values[i]! + upper) / 2]) {
      value[0] = x;
      for (const b of [bits[0]! - 1, bits[0]!, bits[0]! + 1]) cases.push(b >>> 0, (b | 0x80000000) >>> 0);
    }
  }
  cases.push(0x7f800000, 0xff800000, 0x7f7fffff, 0x47800000, 0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff);
  return Uint32Array.from(cases);
}

describe.each(TIERS)("tier %s", async (tier) => {
  const pair = await kernelPair(tier);

  test("encodes everything that rounding can meet", () => {
    const cases = roundingCases();
    const [bits, expected] = pair.map((kernels) => {
      new Uint32Array(kernels.memory.buffer, FIRST, cases.length).set(cases);
      const out = FIRST + cases.byteLength;
      kernels.encodeF16(out, FIRST, cases.length);
      return halvesAt(kernels, out, cases.length).slice();
    });
    expect(bits).toEqual(expected);
  });

  test("decodes every binary16", () => {
    const [values, expected] = pair.map((kernels) => {
      halvesAt(kernels, FIRST, 65536).set(Uint16Array.from({ length: 65536 }, (_, i) => i));
      kernels.decodeF16(FIRST + 131072, FIRST, 65536);
      return new Uint32Array(kernels.memory.buffer, FIRST + 131072, 65536).slice();
    });
    expect(values).toEqual(expected);
  });

  test.prop([fc.array(floats, { maxLength: 40 })])("encodes and decodes arrays of any length", (values) => {
    const n = values.length;
    const [results, expected] = pair.map((kernels) => {
      const place = placer();
      const [x, bits, y] = [place(4 * n), place(2 * n + 2), place(4 * n + 4)];
      floatsAt(kernels, x, n).set(values);
      halvesAt(kernels, bits, n + 1).fill(0x1234);
      floatsAt(kernels, y, n + 1).fill(8);
      kernels.encodeF16(bits, x, n);
      kernels.decodeF16(y, bits, n);
      return [halvesAt(kernels, bits, n + 1).slice(), bitsOf(floatsAt(kernels, y, n + 1))];
    });
    expect(results).toEqual(expected);
  });

  test.prop([lengths, seeds, spreads, fc.array(fc.tuple(floats, floats), { maxLength: 8 })])(
    "swiglu and addition",
    (n, seed, spread, extremes) => {
      const [results, expected] = pair.map((kernels) => {
        const place = placer();
        const [x, y, sum] = [place(4 * n + 4), place(4 * n + 4), place(4 * n + 4)];
        const gate = floatsAt(kernels, x, n + 1);
        const up = floatsAt(kernels, y, n + 1);
        gate.set(numbers(seed, n + 1, spread));
        up.set(numbers(seed + 1, n + 1, spread));
        for (const [i, [a, b]] of extremes.slice(0, n).entries()) [gate[i], up[i]] = [a, b];
        floatsAt(kernels, sum, n + 1).set(gate);
        kernels.swiglu(x, y, n);
        kernels.addInto(sum, y, n);
        return [bitsOf(gate), bitsOf(floatsAt(kernels, sum, n + 1))];
      });
      expect(results).toEqual(expected);
    },
  );
});
