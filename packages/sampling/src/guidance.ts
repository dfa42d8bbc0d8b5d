// Classifier-free guidance (Sanchez et al. 2023, arXiv:2306.17806) in the arithmetic of llama.cpp's last ggjt revision: away
// from what the model would say after another, "negative" prompt.

import { checkNumber } from "./guards.ts";
import { expf, logf } from "./libm.ts";

/**
 * Writes guided log-probabilities to `out`: out = fl32(fl32(scale · fl32(b − g)) + g), where b and g are the logarithms of the
 * softmax of the two rows. With a `scale` of 1 or less guidance is off, as in llama.cpp, and `out` gets the base logits as they
 * are. The order is: bias the base logits, guide, then penalties and everything else.
 *
 * All three rows have the same length; `out` may be one of the others. The guidance logits are not changed (llama.cpp overwrites
 * them). An id whose probability underflows in both rows gives NaN, as there.
 * @throws RangeError for rows of different lengths or a scale that is NaN
 */
export function applyGuidance(
  baseLogits: Float32Array, // (nVocab)
  guidanceLogits: Float32Array, // (nVocab)
  scale: number,
  out: Float32Array, // (nVocab)
): void {
  const { length } = baseLogits;
  if (guidanceLogits.length !== length || out.length !== length) {
    throw new RangeError(
      `"guidanceLogits" and "out" expected ${length} values like "baseLogits", got ${guidanceLogits.length} and ${out.length}`,
    );
  }
  const factor = checkNumber("scale", scale, "n > 1 (or n <= 1: off)");
  if (factor <= 1) {
    out.set(baseLogits);
    return;
  }
  const base = softmaxTerms(baseLogits);
  const guidance = softmaxTerms(guidanceLogits);
  for (let i = 0; i < length; i++) {
    const b = logOfShare(baseLogits[i]!, base);
    const g = logOfShare(guidanceLogits[i]!, guidance);
    out[i] = Math.fround(factor * Math.fround(b - g)) + g;
  }
}

interface SoftmaxTerms {
  readonly largest: number;
  readonly sum: number;
}

/** The sum runs in index order and in binary32, unlike that of llama.cpp's perplexity. */
function softmaxTerms(logits: Float32Array): SoftmaxTerms {
  let largest = logits[0]!;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > largest) largest = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum = Math.fround(sum + expf(Math.fround(logits[i]! - largest)));
  return { largest, sum };
}

function logOfShare(logit: number, { largest, sum }: SoftmaxTerms): number {
  return logf(Math.fround(expf(Math.fround(logit - largest)) / sum));
}
