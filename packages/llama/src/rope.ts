// Rotary position embedding (Su et al., arXiv:2104.09864) on adjacent pairs of channels, as LLaMA was trained with.

import { derivedSizes, type ModelConfig } from "./config.ts";
import { cosf, sinf } from "./sincosf.ts";

/** Ratio of the angles of neighbouring pairs: base^(-2/headDim) in f32. */
export function ropeThetaStep(config: ModelConfig): number {
  const { headDim } = derivedSizes(config);
  return Math.fround(config.ropeFreqBase ** Math.fround(-2 / headDim));
}

/**
 * Cosine and sine for each pair of a head at `position`.
 * The angle is multiplied on from pair to pair in f32, as build 803 does; powers computed afresh would differ in the last bits.
 */
export function ropeAngles(
  cos: Float32Array, // (headDim / 2)
  sin: Float32Array, // (headDim / 2)
  position: number,
  freqScale: number,
  thetaStep: number,
): void {
  let theta = Math.fround(Math.fround(freqScale) * Math.fround(position));
  for (let pair = 0; pair < cos.length; pair++) {
    cos[pair] = cosf(theta);
    sin[pair] = sinf(theta);
    theta = Math.fround(theta * thetaStep);
  }
}

/** Rotates every head of one position in place: (a, b) becomes (a·cos − b·sin, a·sin + b·cos). */
export function rope(
  x: Float32Array, // (heads, headDim)
  cos: Float32Array, // (headDim / 2)
  sin: Float32Array, // (headDim / 2)
): void {
  const nPairs = cos.length;
  for (let head = 0; head < x.length; head += 2 * nPairs) {
    for (let pair = 0; pair < nPairs; pair++) {
      const i = head + 2 * pair;
      const a = x[i]!;
      const b = x[i + 1]!;
      const c = cos[pair]!;
      const s = sin[pair]!;
      x[i] = Math.fround(a * c) - Math.fround(b * s);
      x[i + 1] = Math.fround(a * s) + Math.fround(b * c);
    }
  }
}
