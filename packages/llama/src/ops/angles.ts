// The angles of rotary position embedding (Su et al., arXiv:2104.09864).

import type { AnglesOp, RopeSettings } from "@ll/architectures";
import { cosf, sinf } from "../arithmetic/sincosf.ts";
import { type OpKind, rowOf } from "./op.ts";

export const angles: OpKind<AnglesOp> = {
  scalar({ rope, factors, out }, run) {
    const rows = run.rows(out);
    const divisors = factors === undefined ? undefined : run.numbers(factors);
    for (let i = 0; i < run.tokens.length; i++) {
      ropeAngles(rowOf(rows, i, out.width), run.position + i, rope, divisors);
    }
  },
  bind({ rope, factors, out }, { memory, value, weight }) {
    const { address } = value(out);
    const divisors = factors === undefined ? undefined : weight(factors).address;
    return [
      ({ tokens, position }) => {
        const numbers = divisors === undefined ? undefined : memory.floats(divisors, rope.nRot / 2);
        for (let i = 0; i < tokens.length; i++) {
          ropeAngles(memory.floats(address + 4 * i * rope.nRot, rope.nRot), position + i, rope, numbers);
        }
      },
    ];
  },
};

/**
 * Cosine and sine for each pair of a head at `position`.
 * The angle is multiplied on from pair to pair in f32, as build 803 does; powers computed afresh would differ in the last bits.
 */
export function ropeAngles(
  out: Float32Array, // (nRot): cosines, then sines
  position: number,
  { nRot, base, scale }: RopeSettings,
  divisors?: Float32Array, // (nRot / 2)
): void {
  const step = Math.fround(base ** Math.fround(-2 / nRot)); // from pair to pair
  const nPairs = nRot / 2;
  let theta = Math.fround(Math.fround(scale) * Math.fround(position));
  for (let pair = 0; pair < nPairs; pair++) {
    const angle = divisors === undefined ? theta : Math.fround(theta / divisors[pair]!);
    out[pair] = cosf(angle);
    out[nPairs + pair] = sinf(angle);
    theta = Math.fround(theta * step);
  }
}
