// n_mult: a ggml header does not hold the size of the feed-forward layers but the number that it is rounded up to.

import type { Hyper } from "./architecture.ts";

/** What the size follows from, beside n_mult. */
export type FeedForwardSizes = Pick<Hyper, "nEmbd" | "nLayers" | "nHeads" | "nKvHeads">;

/**
 * Factor on the size. Headers have no field for it: llama.cpp build 1011 takes 80 layers with 8 query heads per key head for LLaMA 2 70B.
 */
export function feedForwardFactor({ nLayers, nHeads, nKvHeads }: Omit<FeedForwardSizes, "nEmbd">): number {
  return nLayers === 80 && nHeads === 8 * nKvHeads ? Math.fround(1.3) : 1;
}

/**
 * Rows of the feed-forward matrices: ⌊8·nEmbd / 3⌋, times the factor in binary32, up to a multiple of `nMult`. 4096 channels in steps of
 * 256 give 11008.
 */
export function feedForwardSize(sizes: FeedForwardSizes, nMult: number): number {
  const plain = Math.floor((8 * sizes.nEmbd) / 3);
  const factor = feedForwardFactor(sizes);
  const scaled = factor === 1 ? plain : Math.trunc(Math.fround(factor * Math.fround(plain)));
  return Math.ceil(scaled / nMult) * nMult;
}

/**
 * The largest n_mult that gives `nFf`, from 256 down to 2 as in convert.py of build 803, then from 8192 down to 257 as in its last
 * revision. Undefined if there is none; it need not be the number that the model was made with.
 */
export function findMult(sizes: FeedForwardSizes, nFf: number): number | undefined {
  for (const [most, least] of [
    [256, 2],
    [8192, 257],
  ] as const) {
    for (let nMult = most; nMult >= least; nMult--) if (feedForwardSize(sizes, nMult) === nFf) return nMult;
  }
  return undefined;
}
