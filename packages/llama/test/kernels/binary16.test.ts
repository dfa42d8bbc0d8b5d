// Binary16 on its way into a head and out of it: every number, and every one that rounding can meet.

import { f16Values } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import type { AttentionShape } from "../../src/kernels/kernels.ts";
import { bitsOf, floatsAt, halvesAt, kernelPair, placer, TIERS } from "./kernel-pair.ts";

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

  test("stores everything that rounding can meet", () => {
    const cases = roundingCases();
    const headDim = 8;
    const n = cases.length / headDim;
    const shape: AttentionShape = { kvType: "f16", headDim, headsPerKvHead: 1, contextTokens: n };
    const [bits, expected] = pair.map((kernels) => {
      const place = placer();
      const attention = kernels.attention(shape);
      const [head, rows, out] = [place(attention.headBytes), place(cases.byteLength), place(2 * cases.length)];
      new Uint32Array(kernels.memory.buffer, rows, cases.length).set(cases);
      attention.clear(head);
      attention.store(head, rows, rows, 0, n, headDim);
      attention.readKeys(head, out, n);
      return halvesAt(kernels, out, cases.length).slice();
    });
    expect(bits).toEqual(expected);
  });

  test("reads every value that is there, in a head with an infinity as in any other", () => {
    const headDim = 64;
    const shape: AttentionShape = { kvType: "f16", headDim, headsPerKvHead: 1, contextTokens: 1 };
    for (const last of [0x3c00, 0x7c00]) {
      for (let first = 0; first < 65536; first += headDim - 1) {
        // a score of zero, and so a weight of one, for the only position
        const values = Uint16Array.from({ length: headDim }, (_, i) => (i < headDim - 1 ? first + i : last)); // (headDim, 1)
        const [out, expected] = pair.map((kernels) => {
          const place = placer();
          const attention = kernels.attention(shape);
          const [head, work, rows, q] = [
            place(attention.headBytes),
            place(attention.workBytes(1)),
            place(128),
            place(256),
          ];
          attention.clear(head);
          halvesAt(kernels, rows, headDim).fill(0);
          attention.writeKeys(head, rows, 1);
          halvesAt(kernels, rows, headDim).set(values);
          attention.writeValues(head, rows, 1);
          floatsAt(kernels, q, headDim).fill(0);
          const out = place(256);
          attention.attend(head, q, out, work, 0, 1, headDim, headDim, { scale: 1 });
          return bitsOf(floatsAt(kernels, out, headDim));
        });
        expect(out).toEqual(expected);
      }
    }
  });
});
