// Rotation of pairs of channels by the angles of a position (Su et al., arXiv:2104.09864).

import type { RopeOp, RopePairing } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const rope: OpKind<RopeOp> = {
  scalar({ x, angles, headDim, pairing }, run) {
    const [rows, turns] = [run.rows(x), run.rows(angles)];
    for (let i = 0; i < run.nRows(x); i++) {
      rotate(rowOf(rows, i, x.width), rowOf(turns, i, angles.width), headDim, pairing);
    }
  },
  bind({ x, angles, headDim, pairing }, { llama, value }) {
    const { address, width } = value(x);
    const turns = value(angles);
    const nHeads = width / headDim;
    if (nHeads === 0) return [];
    return [
      (slice) => {
        llama.rope(pairing, address, turns.address, nRowsOf(x, slice), nHeads, headDim, turns.width, width);
      },
    ];
  },
};

/** Rotates every head of one position in place: (a, b) becomes (a·cos − b·sin, a·sin + b·cos). */
export function rotate(
  x: Float32Array, // (heads, headDim)
  angles: Float32Array, // (nRot): cosines, then sines
  headDim: number,
  pairing: RopePairing,
): void {
  const nPairs = angles.length / 2;
  const [step, distance] = pairing === "adjacent" ? [2, 1] : [1, nPairs];
  for (let head = 0; head < x.length; head += headDim) {
    for (let pair = 0; pair < nPairs; pair++) {
      const i = head + step * pair;
      const a = x[i]!;
      const b = x[i + distance]!;
      const c = angles[pair]!;
      const s = angles[nPairs + pair]!;
      x[i] = Math.fround(a * c) - Math.fround(b * s);
      x[i + distance] = Math.fround(a * s) + Math.fround(b * c);
    }
  }
}
