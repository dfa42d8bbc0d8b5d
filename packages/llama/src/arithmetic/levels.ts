// Keys and values in blocks of whole numbers, as a cache of type q8_0 keeps them, and sums of their products: whole numbers, exact and
// so in any order, which are scaled block by block. docs/numbers.md says it in words.

import { f16ToF32, f32ToF16 } from "@ll/bytes";
import { BLOCK_CHANNELS } from "../kv-type.ts";

const f = Math.fround;

/** Up to 32 numbers: level · scale. */
export interface Levels {
  /** A binary16 number. */
  readonly scale: number;
  readonly levels: Int8Array; // (at most 32)
}

const LARGEST = 65504 * 127; // whose scale is the largest of binary16
/** Weights are 0 … 32,767, so that 32 products with levels stay below 2^31. */
const LARGEST_WEIGHT = 32767;
/** Weights of a tile below it are nothing: their inverse would be no number. */
const LEAST_WEIGHT = 2 ** -100;
/** 1.5 · 2^23: adding and taking it off again rounds to a whole number, ties to even. */
export const ROUND = 12582912;

/** `x` as blocks of 32 and a last one of what remains. A number that is none becomes 0. */
export function toLevels(x: Float32Array): Levels[] {
  const blocks: Levels[] = [];
  for (let first = 0; first < x.length; first += BLOCK_CHANNELS) {
    const block = x.subarray(first, first + BLOCK_CHANNELS).map((value) => (Number.isNaN(value) ? 0 : value));
    let most = 0;
    for (const value of block) most = Math.max(most, Math.abs(value));
    const scale = f16ToF32(f32ToF16(f(Math.min(most, LARGEST) / 127)));
    const inverse = scale === 0 ? 0 : f(1 / scale);
    const levels = Int8Array.from(block, (value) => {
      return rounded(Math.max(-127, Math.min(127, f(value * inverse))));
    });
    blocks.push({ scale, levels });
  }
  return blocks;
}

/** Σ query · key, block after block. */
export function productOfLevels(query: readonly Levels[], key: readonly Levels[]): number {
  let sum = 0;
  for (const [b, { scale, levels }] of key.entries()) {
    const other = query[b]!;
    let whole = 0;
    for (let i = 0; i < levels.length; i++) whole += levels[i]! * other.levels[i]!;
    sum = f(sum + f(f(whole) * f(other.scale * scale)));
  }
  return sum;
}

/**
 * out = out · kept + Σ weight · value over positions of a tile. Weights times the scales of a block become whole numbers as well.
 *
 * @param weights (positions), 0 … 1
 * @param values of the same positions
 */
export function addValuesInLevels(
  out: Float32Array, // (headDim)
  kept: number,
  weights: Float32Array,
  values: readonly (readonly Levels[])[],
): void {
  for (let b = 0; b * BLOCK_CHANNELS < out.length; b++) {
    const scaled = weights.map((weight, t) => (weight > 0 ? weight * values[t]![b]!.scale : 0)); // (positions)
    const most = Math.max(0, ...scaled);
    const isSome = most >= LEAST_WEIGHT;
    const inverse = isSome ? f(LARGEST_WEIGHT / most) : 0;
    const factor = isSome ? f(most / LARGEST_WEIGHT) : 0;
    const whole = scaled.map((weight) => rounded(f(weight * inverse))); // (positions)
    const end = Math.min(out.length, (b + 1) * BLOCK_CHANNELS);
    for (let i = b * BLOCK_CHANNELS; i < end; i++) {
      let sum = 0;
      for (let t = 0; t < whole.length; t++) sum += whole[t]! * values[t]![b]!.levels[i % BLOCK_CHANNELS]!;
      out[i] = f(f(f(out[i]! * kept) + 0) + f(f(sum) * factor));
    }
  }
}

function rounded(x: number): number {
  return f(f(x + ROUND) - ROUND);
}
