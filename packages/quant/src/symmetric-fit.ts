// The search for a scale around zero that Q3_K and Q6_K make for each group of 16 values: levels -n … n-1 that keep the
// squared error, weighted with x², small. Every operation rounds to binary32.
// Facts: llama.cpp build 803, make_qx_quants (rmse_type 1) and make_q3_quants, which differ only in the number of retries.

import { largestMagnitude } from "./extremes.ts";
import { nearestLevel } from "./rounding.ts";

const GROUP = 16;
const SWEEPS = 5;

const trial = new Int8Array(GROUP); // (16): levels of a retry, until it is accepted

/**
 * Fits one group.
 *
 * @param values the group's 16 values begin at `start`
 * @param levels (256) receives the group's levels from `levelsStart`; a group of zeros gets the lowest level, -`nLevels`
 * @param nLevels levels run from -`nLevels` to `nLevels` - 1
 * @param retries how often the whole group may be rounded again with an improved scale
 * @returns the scale; 0 for a group of zeros, NaN for a group so small that x² vanishes
 */
export function fitScale(
  values: Float32Array,
  start: number,
  levels: Int8Array,
  levelsStart: number,
  nLevels: number,
  retries: number,
): number {
  const largest = largestMagnitude(values, start, GROUP);
  if (largest === 0) {
    levels.fill(-nLevels, levelsStart, levelsStart + GROUP);
    return 0;
  }

  // the largest value takes the lowest level; the best scale for given levels is sumLx / sumL2
  let inverse = Math.fround(-nLevels / largest);
  let sumLx = 0; // Σ w·x·l
  let sumL2 = 0; // Σ w·l·l
  for (let i = 0; i < GROUP; i++) {
    const x = values[start + i]!;
    const l = nearestLevel(Math.fround(inverse * x), -nLevels, nLevels - 1);
    levels[levelsStart + i] = l;
    sumLx = Math.fround(sumLx + productTerm(x, l));
    sumL2 = Math.fround(sumL2 + squareTerm(x, l));
  }
  let scale = Math.fround(sumLx / sumL2);

  // round all values again with that scale, as long as it helps
  for (let retry = 0; retry < retries; retry++) {
    inverse = Math.fround(1 / scale);
    const best = Math.fround(scale * sumLx);
    let changed = false;
    let lx = 0;
    let l2 = 0;
    for (let i = 0; i < GROUP; i++) {
      const x = values[start + i]!;
      const l = nearestLevel(Math.fround(inverse * x), -nLevels, nLevels - 1);
      if (l !== levels[levelsStart + i]) changed = true;
      trial[i] = l;
      lx = Math.fround(lx + productTerm(x, l));
      l2 = Math.fround(l2 + squareTerm(x, l));
    }
    if (!changed || l2 === 0 || Math.fround(lx * lx) <= Math.fround(best * l2)) break;
    levels.set(trial, levelsStart);
    sumLx = lx;
    sumL2 = l2;
    scale = Math.fround(sumLx / sumL2);
  }

  // then move single values to the level that fits the scale of all others; the condition on lx leaves out every group
  // whose largest value is positive, because its sums are negative
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changes = 0;
    for (let i = 0; i < GROUP; i++) {
      const x = values[start + i]!;
      const l = levels[levelsStart + i]!;
      let lx = Math.fround(sumLx - productTerm(x, l));
      if (!(lx > 0)) continue;
      let l2 = Math.fround(sumL2 - squareTerm(x, l));
      const moved = nearestLevel(Math.fround(Math.fround(x * l2) / lx), -nLevels, nLevels - 1);
      if (moved === l) continue;
      lx = Math.fround(lx + productTerm(x, moved));
      l2 = Math.fround(l2 + squareTerm(x, moved));
      if (!(l2 > 0)) continue;
      const gain = Math.fround(Math.fround(lx * lx) * sumL2);
      if (!(gain > Math.fround(Math.fround(sumLx * sumLx) * l2))) continue;
      levels[levelsStart + i] = moved;
      sumLx = lx;
      sumL2 = l2;
      changes++;
    }
    if (changes === 0) break;
  }
  return Math.fround(sumLx / sumL2);
}

/** w·x·l with the weight w = x², multiplied from the left. */
function productTerm(x: number, l: number): number {
  return Math.fround(Math.fround(Math.fround(x * x) * x) * l);
}

/** w·l·l with the weight w = x², multiplied from the left. */
function squareTerm(x: number, l: number): number {
  return Math.fround(Math.fround(Math.fround(x * x) * l) * l);
}
