import type { RopeSettings } from "@ll/architectures";
import { describe, expect, test } from "vitest";
import { cosf, sinf } from "../src/arithmetic/sincosf.ts";
import { ropeAngles } from "../src/ops/angles.ts";
import { rotate } from "../src/ops/rope.ts";
import { randomValues } from "./support/hand-made.ts";

interface Angles {
  readonly both: Float32Array; // (16)
  readonly cos: Float32Array; // (8)
  readonly sin: Float32Array; // (8)
}

function anglesAt(position: number, scale = 1, base = 10000, divisors?: Float32Array): Angles {
  const both = new Float32Array(16);
  ropeAngles(both, position, { nRot: 16, base, scale }, divisors);
  return { both, cos: both.subarray(0, 8), sin: both.subarray(8) };
}

describe("angles", () => {
  test("are multiplied on from pair to pair in f32", () => {
    const { cos, sin } = anglesAt(1000);
    const step = Math.fround(10000 ** Math.fround(-2 / 16));
    let theta = 1000;
    for (let pair = 0; pair < 8; pair++) {
      expect(cos[pair]).toBe(cosf(theta));
      expect(sin[pair]).toBe(sinf(theta));
      theta = Math.fround(theta * step);
    }
  });

  test("scale 0.5 at position 2p is scale 1 at position p", () => {
    expect(anglesAt(246, 0.5)).toEqual(anglesAt(123));
  });

  test("are divided by the numbers of the model, if it has them", () => {
    const divisors = Float32Array.of(1, 1, 1, 1, 8, 8, 8, 8);
    const { cos } = anglesAt(1000, 1, 10000, divisors);
    expect(cos.subarray(0, 4)).toEqual(anglesAt(1000).cos.subarray(0, 4));
    expect(cos.subarray(4)).toEqual(anglesAt(125).cos.subarray(4));
  });

  test("a larger base turns the later pairs more slowly, the first one equally fast", () => {
    const slow = anglesAt(5, 1, 20000);
    const usual = anglesAt(5);
    expect(slow.sin[0]).toBe(usual.sin[0]);
    expect(slow.sin[7]!).toBeLessThan(usual.sin[7]!);
  });
});

describe("angles of models with a longer context", () => {
  const settings = { nRot: 16, base: 10000, scale: 0.25 };
  function settled(position: number, more: Partial<RopeSettings>): number[] {
    const both = new Float32Array(16);
    ropeAngles(both, position, { ...settings, ...more });
    return [...both];
  }

  test("YaRN turns the first pairs as before, the last ones by the scale, and those between by parts of both", () => {
    const got = settled(100, { yarn: { low: 2, high: 6 } });
    const before = settled(100, { scale: 1 });
    const stretched = settled(100, {});
    for (const pair of [0, 1, 2]) expect(got[pair]).toBe(before[pair]);
    for (const pair of [6, 7]) expect(got[pair]).toBe(stretched[pair]);
    // the fourth of four steps from pair 2 to pair 6 is the half of both
    const theta = 100 * 10000 ** (-2 * (4 / 16));
    expect(got[4]).toBeCloseTo(Math.cos(0.5 * theta + 0.5 * 0.25 * theta), 5);
  });

  test("a ramp without width falls at once", () => {
    const got = settled(100, { yarn: { low: 3, high: 3 } });
    expect(got.slice(0, 4)).toEqual(settled(100, { scale: 1 }).slice(0, 4));
    expect(got.slice(4, 8)).toEqual(settled(100, {}).slice(4, 8));
  });

  test("a magnitude multiplies cosines and sines", () => {
    expect(settled(9, { magnitude: 1.25 })).toEqual(settled(9, {}).map((x) => Math.fround(1.25 * x)));
  });

  test("pairs that no coordinate of text turns stay as they are", () => {
    const got = settled(100, { sections: [3, 2, 3, 0] }); // the eighth pair would be the third of the second coordinate
    expect(got.slice(0, 7)).toEqual(settled(100, {}).slice(0, 7));
    expect([got[7], got[15]]).toEqual([1, 0]);
    expect(settled(100, { sections: [3, 3, 2, 0] })).toEqual(settled(100, {}));
  });

  test("a temperature grows with every span of positions", () => {
    const temperature = { slope: 0.5, span: 16 };
    expect(settled(15, { temperature })).toEqual(settled(15, {}));
    const grown = Math.fround(1 + 0.5 * Math.fround(Math.log(3)));
    expect(settled(47, { temperature })).toEqual(settled(47, {}).map((x) => Math.fround(grown * x)));
  });
});

describe("rotation", () => {
  test("position 0 changes nothing", () => {
    const x = randomValues(1, 64);
    const rotated = x.slice();
    rotate(rotated, anglesAt(0).both, 16, "adjacent");
    expect(rotated).toEqual(x);
  });

  test("takes adjacent channels as pairs, the same angles in each head", () => {
    const x = new Float32Array(32); // (2 heads, 16)
    x[0] = 1; // first channel of the first pair of head 0
    x[16 + 3] = 1; // second channel of the second pair of head 1
    const { both, cos, sin } = anglesAt(7);
    rotate(x, both, 16, "adjacent");
    expect([...x.subarray(0, 2)]).toEqual([cos[0], sin[0]]);
    expect([...x.subarray(18, 20)]).toEqual([-sin[1]!, cos[1]]);
    expect(x.filter((value) => value !== 0).length).toBe(4);
  });

  test("takes channels half of the rotated ones apart as pairs, and leaves the rest of a head alone", () => {
    const x = new Float32Array(40).fill(5, 16, 20).fill(5, 36); // (2 heads, 20), 16 of them rotated
    x[0] = 1; // first channel of the first pair of head 0
    x[20 + 8 + 1] = 1; // second channel of the second pair of head 1
    const { both, cos, sin } = anglesAt(7);
    rotate(x, both, 20, "halves");
    expect([x[0], x[8]]).toEqual([cos[0], sin[0]]);
    expect([x[20 + 1], x[20 + 9]]).toEqual([-sin[1]!, cos[1]]);
    expect(x.filter((value) => value === 5).length).toBe(8);
    expect(x.filter((value) => value !== 0).length).toBe(12);
  });
});
