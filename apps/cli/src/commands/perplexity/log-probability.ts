// The logarithm of a token's probability, rounded where llama.cpp build 803 rounds it.

import { expf, logf } from "@ll/sampling";

/** log softmax(logits)[id]: exponentials in binary32, their sum in double, the quotient and its logarithm in binary32. */
export function logProbability(
  logits: Float32Array, // (nVocab)
  id: number,
): number {
  let largest = logits[0] as number;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += expf(Math.fround(logit - largest));
  return logf(Math.fround(expf(Math.fround((logits[id] as number) - largest)) / sum));
}
