import { afterEach, describe, expect, test, vi } from "vitest";
import { decodeBf16, decodeF16, encodeF16, f16ToF32, f16Values, f32ToF16 } from "../src/index.ts";
import { checkEncoding, oracleValue, sampleOfF32 } from "./f16-oracle.ts";

const allF16 = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

const bitsOfF32 = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);
const isNanF16 = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

describe("decoding", () => {
  test("all 65,536 patterns have the values of the oracle", () => {
    const values = decodeF16(allF16, new Float32Array(65_536));
    for (const bits of allF16) {
      if (!Object.is(values[bits], oracleValue(bits))) expect.unreachable(`${bits.toString(16)}: ${values[bits]}`);
      if (!Object.is(f16ToF32(bits), oracleValue(bits))) expect.unreachable(`f16ToF32 ${bits.toString(16)}`);
    }
    expect(bitsOfF32(f16Values())).toEqual(bitsOfF32(values));
  });

  test("NaN keeps sign and payload, and is quiet", () => {
    const bits = bitsOfF32(decodeF16(allF16, new Float32Array(65_536)));
    for (const f16 of allF16.filter(isNanF16)) {
      const expected = ((f16 & 0x8000) * 0x10000 + 0x7fc00000 + (f16 & 0x1ff) * 0x2000) >>> 0;
      if (bits[f16] !== expected) expect.unreachable(`${f16.toString(16)}: ${bits[f16]?.toString(16)}`);
    }
  });

  test("bfloat16 is the upper half of binary32", () => {
    const bits = bitsOfF32(decodeBf16(allF16, new Float32Array(65_536)));
    for (const half of allF16) if (bits[half] !== half * 65_536) expect.unreachable(half.toString(16));
  });
});

describe.each(["native", "without Float16Array"])("encoding, %s", (kind) => {
  const begin = () => {
    if (kind !== "native") vi.stubGlobal("Float16Array", undefined);
  };
  afterEach(() => vi.unstubAllGlobals());

  test("decoded values come back, NaN as the quiet one of its sign", () => {
    begin();
    const back = encodeF16(decodeF16(allF16, new Float32Array(65_536)), new Uint16Array(65_536));
    for (const bits of allF16) {
      const expected = isNanF16(bits) ? (bits & 0x8000) | 0x7e00 : bits;
      if (back[bits] !== expected) expect.unreachable(`${bits.toString(16)} came back as ${back[bits]?.toString(16)}`);
    }
  });

  test("ties between neighbours go to even, and a little more or less does not tie", () => {
    begin();
    const finite = allF16.filter((bits) => (bits & 0x7fff) < 0x7c00);
    // the largest has 2^16 as its upper neighbour: half way, 65520, is infinity
    const ties = Float32Array.from(finite, (bits) => {
      const next = (bits & 0x7fff) === 0x7bff ? (bits & 0x8000 ? -65_536 : 65_536) : oracleValue(bits + 1);
      return (oracleValue(bits) + next) / 2;
    });
    const around = [-1, 0, 1].map((step) => {
      const values = ties.slice();
      const bits = bitsOfF32(values);
      for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) + step;
      return values;
    });
    for (const values of around) checkEncoding(values);
    const tied = encodeF16(ties, new Uint16Array(ties.length));
    expect(tied.every((bits) => bits % 2 === 0)).toBe(true);
  });

  test("a dense sample of binary32 agrees with the oracle", () => {
    begin();
    checkEncoding(sampleOfF32(10_007)); // 429,000 values, all exponents
  });

  test("subnormals, the smallest values and overflow", () => {
    begin();
    checkEncoding(
      Float32Array.of(
        ...[0, -0, 2 ** -24, 2 ** -25, 2 ** -25 * (1 + 2 ** -23), 2 ** -26, 2 ** -149, -(2 ** -149), 3 * 2 ** -26],
        ...[2 ** -14, 2 ** -14 * (1 - 2 ** -11), 2 ** -14 * (1 - 2 ** -12), 65_504, 65_519.996, 65_520, 65_536, 1e38],
        ...[Infinity, -Infinity],
      ),
    );
  });
});

test("a number that is no binary32 number is rounded to one first", () => {
  // 1 + 2^-11 is a tie; just over it in double precision, but the same in binary32
  expect(f32ToF16(1 + 2 ** -11 + 2 ** -40)).toBe(0x3c00);
  // the same among subnormals: 2^-25 is a tie with zero
  expect(f32ToF16(2 ** -25 + 2 ** -60)).toBe(0);
  expect(f32ToF16(1e300)).toBe(0x7c00);
});

describe("buffers", () => {
  test("parts of larger ones are respected", () => {
    const target = new Float32Array(6).fill(9);
    decodeF16(Uint16Array.of(0x3c00, 0x4000), target.subarray(2, 4));
    expect([...target]).toEqual([9, 9, 1, 2, 9, 9]);
    const halves = new Uint16Array(4).fill(9);
    expect(encodeF16(target.subarray(2, 4), halves.subarray(1))).toHaveLength(3);
    expect([...halves]).toEqual([9, 0x3c00, 0x4000, 9]);
    decodeBf16(Uint16Array.of(0x3f80), target.subarray(5));
    expect(target[5]).toBe(1);
  });

  test("a target that is too short is refused, though its buffer goes on", () => {
    const floats = new Float32Array(4).subarray(0, 1);
    const halves = new Uint16Array(4).subarray(0, 1);
    expect(() => decodeF16(new Uint16Array(2), floats)).toThrow('"target" expected at least 2 elements, got 1');
    expect(() => decodeBf16(new Uint16Array(2), floats)).toThrow(RangeError);
    expect(() => encodeF16(new Float32Array(2), halves)).toThrow(RangeError);
  });
});
