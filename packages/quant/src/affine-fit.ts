// The search for a scale above a minimum that Q2_K, Q4_K and Q5_K make for each group of a super-block: levels 0 … n that
// follow scale · l - negatedMin. Every operation rounds to binary32.
// Facts: llama.cpp build 803, make_qkx1_quants with 5 rounds. That function compares its first levels with whatever the
// same group of the previous super-block left behind. Here they are compared with zeros, so that no block depends on its
// neighbours; the outcome differs only if all of a group's first levels happen to equal those leftovers, which no recorded
// file shows.

import { nearestLevel } from "./rounding.ts";

const ROUNDS = 5;

/** What a super-block's groups were fitted to. */
export interface AffineFit {
  readonly scales: Float32Array; // (nGroups)
  readonly negatedMins: Float32Array; // (nGroups): distance of level 0 below zero, never negative
  readonly levels: Uint8Array; // (256)
}

/** Fits the 256 / `groupValues` groups of the super-block that begins at `start`, with levels 0 … `maxLevel`. */
export function fitGroups(
  values: Float32Array,
  start: number,
  groupValues: number,
  maxLevel: number,
  fit: AffineFit,
): void {
  for (let i = 0, group = 0; i < 256; i += groupValues, group++) {
    fitGroup(values, start + i, i, groupValues, maxLevel, group, fit);
  }
}

function fitGroup(
  values: Float32Array,
  start: number,
  levelsStart: number,
  groupValues: number,
  maxLevel: number,
  group: number,
  fit: AffineFit,
): void {
  const { scales, negatedMins, levels } = fit;
  let min = values[start]!;
  let max = min;
  for (let i = 1; i < groupValues; i++) {
    const x = values[start + i]!;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  levels.fill(0, levelsStart, levelsStart + groupValues);
  scales[group] = 0;
  negatedMins[group] = 0;
  // equal values, zero or not, become zero
  if (max === min) return;

  // zero must stay within reach
  if (min > 0) min = 0;
  let inverse = Math.fround(maxLevel / Math.fround(max - min));
  let scale = Math.fround(1 / inverse);
  for (let round = 0; round < ROUNDS; round++) {
    // levels for this scale and minimum, and the best scale for these levels
    let changed = false;
    let sumLx = 0;
    let sumL2 = 0; // an integer
    for (let i = 0; i < groupValues; i++) {
      const above = Math.fround(values[start + i]! - min);
      const l = nearestLevel(Math.fround(inverse * above), 0, maxLevel);
      if (l !== levels[levelsStart + i]) changed = true;
      levels[levelsStart + i] = l;
      sumLx = Math.fround(sumLx + Math.fround(above * l));
      sumL2 += l * l;
    }
    scale = Math.fround(sumLx / sumL2);
    // the best minimum for this scale
    let sum = 0;
    for (let i = 0; i < groupValues; i++) {
      const reached = Math.fround(scale * levels[levelsStart + i]!);
      sum = Math.fround(sum + Math.fround(values[start + i]! - reached));
    }
    min = Math.fround(sum / groupValues);
    if (min > 0) min = 0;
    inverse = Math.fround(1 / scale);
    if (!changed) break;
  }
  scales[group] = scale;
  negatedMins[group] = -min;
}

/** The largest of `numbers` (n), at least 0. */
export function largestPositive(numbers: Float32Array): number {
  let largest = 0;
  for (const number of numbers) if (number > largest) largest = number;
  return largest;
}

/**
 * Rounds `groupValues` values from `start` to levels 0 … `maxLevel` with the scale and minimum that a reader of the block
 * will see; a scale of zero keeps the levels of the fit.
 */
export function requantizeGroup(
  values: Float32Array,
  start: number,
  levels: Uint8Array,
  levelsStart: number,
  groupValues: number,
  maxLevel: number,
  scale: number,
  negatedMin: number,
): void {
  if (scale === 0) return;
  for (let i = 0; i < groupValues; i++) {
    const above = Math.fround(values[start + i]! + negatedMin);
    levels[levelsStart + i] = nearestLevel(Math.fround(above / scale), 0, maxLevel);
  }
}
