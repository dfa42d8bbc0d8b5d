// n_mult: a ggml header does not hold the size of the feed-forward layer but the number that it is rounded up to.

/** Rows of the feed-forward matrices that a loader derives from the header: floor(8·nEmbd / 3) rounded up to `nMult`. */
export function feedForwardSize(nEmbd: number, nMult: number): number {
  return roundUp(Math.floor((8 * nEmbd) / 3), nMult);
}

/** The same by Meta's rule, which first scales the size by `ffnDimMultiplier`. */
export function metaFeedForwardSize(nEmbd: number, multipleOf: number, ffnDimMultiplier = 1): number {
  return roundUp(Math.trunc(ffnDimMultiplier * Math.floor((8 * nEmbd) / 3)), multipleOf);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/**
 * The largest n_mult that gives `nFf`: from 256 down to 2 as in build 803, then from 8192 down to 257 as in the last revision
 * that wrote ggjt files. Undefined if there is none; it need not be the number the model was made with.
 */
export function findMult(nEmbd: number, nFf: number): number | undefined {
  for (const [most, least] of [
    [256, 2],
    [8192, 257],
  ] as const) {
    for (let nMult = most; nMult >= least; nMult--) {
      if (feedForwardSize(nEmbd, nMult) === nFf) return nMult;
    }
  }
  return undefined;
}
