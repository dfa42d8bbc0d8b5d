// How likely the model held a token to be, and which were likelier. Loaded when it is asked for.

import type { Tokenizer } from "@ll/tokenizer";
import type { TokenLogprob } from "./answer.ts";

/** In double precision; equal values by the lower id. */
export function logprobOf(id: number, logits: Float32Array, nTop: number, tokenizer: Tokenizer): TokenLogprob {
  const max = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const norm = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
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
