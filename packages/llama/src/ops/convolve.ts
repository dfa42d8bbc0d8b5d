// Causal convolutions of single channels, a few tokens long: H3 (Fu et al., arXiv:2212.14052), LFM2, gated delta nets.

import type { ConvolveOp } from "@ll/architectures";
import { silu } from "../arithmetic/lanes.ts";
import { type OpKind, rowOf, rowsOfPart, type ScalarState } from "./op.ts";

export const convolve: OpKind<ConvolveOp> = {
  scalar({ x, weight, silu: withSilu, out, state }, run) {
    for (const part of run.parts) {
      const [result, input] = [out, x].map((value) => rowsOfPart(run.rows(value), part, value.width)) as [
        ...[Float32Array, Float32Array],
      ];
      convolveRows(result, input, run.numbers(weight), part.states[state]!, weight.shape[1]!, withSilu);
    }
  },
  bind({ x, weight, silu: withSilu, out, state }, { llama, value, weight: weightOf }) {
    const { address, width } = value(x);
    const target = value(out).address;
    const taps = weightOf(weight);
    if (width === 0) return [];
    return [
      ({ parts }, caches) => {
        for (const [part, { first, n, copies }] of parts.entries()) {
          const [before, after] = caches[part]!.state(state, copies);
          const skip = 4 * first * width;
          const [to, from] = [target + skip, address + skip];
          llama.convolve(to, from, taps.address, before, after, n, width, taps.columns, withSilu);
        }
      },
    ];
  },
};

/** The terms of a sum are added in the order of the taps: the oldest token first. */
export function convolveRows(
  out: Float32Array, // (n, width)
  x: Float32Array, // (n, width)
  weight: Float32Array, // (width, nTaps)
  { before, after }: ScalarState, // (nTaps - 1, width) each: the rows in front of `x`, and the last ones
  nTaps: number,
  withSilu: boolean,
): void {
  const width = weight.length / nTaps;
  const n = x.length / width;
  const nBefore = nTaps - 1;
  /** Row -1 is the one in front of `x`. */
  const row = (i: number): Float32Array => (i < 0 ? rowOf(before, i + nBefore, width) : rowOf(x, i, width));
  for (let i = 0; i < n; i++) {
    const sums = rowOf(out, i, width);
    for (let tap = 0; tap < nTaps; tap++) {
      const from = row(i + tap - nBefore);
      for (let c = 0; c < width; c++) {
        const term = Math.fround(weight[c * nTaps + tap]! * from[c]!);
        sums[c] = tap === 0 ? term : sums[c]! + term;
      }
    }
    if (withSilu) for (let c = 0; c < width; c++) sums[c] = silu(sums[c]!);
  }
  for (let i = 0; i < nBefore; i++) after.set(row(n - nBefore + i), i * width);
}
