// The angles of rotary position embedding (Su et al., arXiv:2104.09864).

import { type AnglesOp, factorsOf, type RopeSettings } from "@ll/architectures";
import { cosf, sinf } from "../arithmetic/sincosf.ts";
import { type OpKind, rowOf } from "./op.ts";

export const angles: OpKind<AnglesOp> = {
  scalar(op, run) {
    const rows = run.rows(op.out);
    for (const { first, n, position, contextTokens } of run.parts) {
      const factors = factorsOf(op, contextTokens);
      const divisors = factors === undefined ? undefined : run.numbers(factors);
      for (let i = 0; i < n; i++) ropeAngles(rowOf(rows, first + i, op.out.width), position + i, op.rope, divisors);
    }
  },
  bind(op, { memory, value, weight }) {
    const { address } = value(op.out);
    const { nRot } = op.rope;
    return [
      ({ parts }, caches) => {
        for (const [part, { first, n, position }] of parts.entries()) {
          const factors = factorsOf(op, caches[part]!.contextTokens);
          const divisors = factors === undefined ? undefined : memory.floats(weight(factors).address, nRot / 2);
          for (let i = 0; i < n; i++) {
            ropeAngles(memory.floats(address + 4 * (first + i) * nRot, nRot), position + i, op.rope, divisors);
          }
        }
      },
    ];
  },
};

const f = Math.fround;

/**
 * Cosine and sine for each pair of a head at `position`.
 * The angle is multiplied on from pair to pair in f32, as build 803 does; powers computed afresh would differ in the last bits.
 */
export function ropeAngles(
  out: Float32Array, // (nRot): cosines, then sines
  position: number,
  { nRot, base, scale, magnitude = 1, yarn, temperature, sections }: RopeSettings,
  divisors?: Float32Array, // (nRot / 2)
): void {
  const step = f(base ** f(-2 / nRot)); // from pair to pair
  const nPairs = nRot / 2;
  const size = f(f(magnitude) * warmth(position, temperature));
  let theta = yarn === undefined ? f(f(scale) * f(position)) : f(position);
  for (let pair = 0; pair < nPairs; pair++) {
    const divided = divisors === undefined ? theta : f(theta / divisors[pair]!);
    const turned = yarn === undefined ? divided : yarnAngle(divided, f(scale), pair, yarn);
    const angle = sections === undefined || turns(pair, sections) ? turned : 0;
    out[pair] = size * cosf(angle);
    out[nPairs + pair] = size * sinf(angle);
    theta = f(theta * step);
  }
}

function yarnAngle(
  theta: number,
  scale: number,
  pair: number,
  { low, high }: NonNullable<RopeSettings["yarn"]>,
): number {
  const kept = f(1 - Math.min(1, Math.max(0, f(f(pair - low) / f(Math.max(0.001, high - low))))));
  return f(f(f(scale * theta) * f(1 - kept)) + f(theta * kept));
}

function turns(pair: number, sections: readonly number[]): boolean {
  const at = pair % sections.reduce((sum, n) => sum + n, 0);
  return at < 3 * sections[at % 3]!;
}

/** Rounded to binary32, where no runtime's logarithm differs from another's. */
function warmth(position: number, temperature: RopeSettings["temperature"]): number {
  return temperature === undefined
    ? 1
    : f(1 + temperature.slope * f(Math.log(1 + Math.floor(position / temperature.span))));
}
