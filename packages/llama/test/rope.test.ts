import { describe, expect, test } from "vitest";
import { rope, ropeAngles, ropeThetaStep } from "../src/rope.ts";
import { cosf, sinf } from "../src/sincosf.ts";
import { randomValues, smallConfig } from "./support/hand-made.ts";

function anglesAt(position: number, freqScale = 1, freqBase = 10000): { cos: Float32Array; sin: Float32Array } {
  const cos = new Float32Array(8); // (headDim / 2)
  const sin = new Float32Array(8); // (headDim / 2)
  ropeAngles(cos, sin, position, freqScale, ropeThetaStep(smallConfig({ ropeFreqBase: freqBase })));
  return { cos, sin };
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

  test("a larger base turns the later pairs more slowly, the first one equally fast", () => {
    const slow = anglesAt(5, 1, 20000);
    const usual = anglesAt(5);
    expect(slow.sin[0]).toBe(usual.sin[0]);
    expect(slow.sin[7]!).toBeLessThan(usual.sin[7]!);
  });
});

describe("rotation", () => {
  test("position 0 changes nothing", () => {
    const x = randomValues(1, 64);
    const rotated = x.slice();
    rope(rotated, anglesAt(0).cos, anglesAt(0).sin);
    expect(rotated).toEqual(x);
  });

  test("takes adjacent channels as pairs, the same angles in each head", () => {
    const x = new Float32Array(32); // (2 heads, 16)
    x[0] = 1; // first channel of the first pair of head 0
    x[16 + 3] = 1; // second channel of the second pair of head 1
    const { cos, sin } = anglesAt(7);
    rope(x, cos, sin);
    expect([...x.subarray(0, 2)]).toEqual([cos[0], sin[0]]);
    expect([...x.subarray(18, 20)]).toEqual([-sin[1]!, cos[1]]);
    expect(x.filter((value) => value !== 0).length).toBe(4);
  });
});
