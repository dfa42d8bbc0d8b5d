// How likely the model held a token to be, and which were likelier. Loaded when it is asked for.

import type { Tokenizer } from "@ll/tokenizer";
import type { TokenLogprob } from "./answer.ts";

/** In double precision; equal values by the lower id. */
export function logprobOf(id: number, logits: Float32Array, nTop: number, tokenizer: Tokenizer): TokenLogprob {
  // loops: a function for each logit takes 3.6 times as long, 0.9 ms of 32,000
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if ((logits[i] as number) > max) max = logits[i] as number;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] as number) - max);
  const norm = max + Math.log(sum);
  const one = (token: number): Omit<TokenLogprob, "top"> => ({
    id: token,
    bytes: tokenizer.tokenBytes(token, { special: true }),
    logprob: (logits[token] ?? Number.NaN) - norm,
  });
  const best: number[] = []; // the most likely ids, in order
  for (let token = 0; nTop > 0 && token < logits.length; token++) {
    const logit = logits[token] as number;
    if (best.length === nTop && logit <= (logits[best.at(-1) as number] as number)) continue;
    const at = best.findIndex((other) => (logits[other] as number) < logit);
    best.splice(at < 0 ? best.length : at, 0, token);
    if (best.length > nTop) best.pop();
  }
  return { ...one(id), top: best.map(one) };
}
