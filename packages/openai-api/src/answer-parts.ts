// What answers of several endpoints have in common: ids, usage, timings, logarithms of probabilities.

import type { AnswerResult, Finish, ModelInfo, TokenLogprob } from "@ll/chat";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `chatcmpl-` and 24 letters and digits; not for secrets. */
export function newId(prefix: string): string {
  const id = Array.from({ length: 24 }, () => LETTERS.charAt(Math.floor(Math.random() * LETTERS.length))).join("");
  return `${prefix}${id}`;
}

/**
 * Names a model and its numbers: `ll-` and 12 hexadecimal digits of weights, arithmetic and the precision of caches: FNV-1a of 64 bits (Fowler, Noll, Vo), folded.
 */
export function fingerprintOf({ fingerprint = "", arithmetic, kvType }: ModelInfo): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(`${fingerprint} ${arithmetic} ${kvType}`)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  const folded = (hash ^ (hash >> 48n)) & 0xffffffffffffn;
  return `ll-${folded.toString(16).padStart(12, "0")}`;
}

export const FINISH_REASONS: Readonly<Record<Finish, "stop" | "length" | "tool_calls">> = {
  eos: "stop",
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
};

/** Every prompt counts once, every choice counts. @param n choices of each prompt */
export function usageOf(results: readonly AnswerResult[], n: number) {
  const sum = (of: (result: AnswerResult) => number, each = 1): number =>
    results.reduce((total, result, i) => (i % each === 0 ? total + of(result) : total), 0);
  const prompt = sum(({ usage }) => usage.promptTokens, n);
  const completion = sum(({ usage }) => usage.completionTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(({ usage }) => usage.cachedTokens, n) },
    completion_tokens_details: { reasoning_tokens: sum(({ usage }) => usage.reasoningTokens) },
  };
}

/** What OpenAI's answers have no place for. */
export function ownPart(results: readonly AnswerResult[]) {
  const [{ timings, usage }] = results as readonly [AnswerResult];
  return {
    warnings: [...new Set(results.flatMap(({ warnings }) => warnings))],
    timings: {
      queue_ms: Math.round(timings.queueMs),
      prompt_n: usage.promptTokens - usage.cachedTokens,
      prompt_ms: Math.round(timings.promptMs),
      predicted_n: usage.completionTokens,
      predicted_ms: Math.round(timings.generateMs),
      ...(usage.draftedTokens > 0 && { draft_n: usage.draftedTokens, draft_n_accepted: usage.acceptedTokens }),
    },
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of a token, U+FFFD for what is none. */
export function tokenText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function chatLogprob({ bytes, logprob, top }: TokenLogprob) {
  const one = (token: { readonly bytes: Uint8Array; readonly logprob: number }) => ({
    token: tokenText(token.bytes),
    logprob: finite(token.logprob),
    bytes: [...token.bytes],
  });
  return { ...one({ bytes, logprob }), top_logprobs: top.map(one) };
}

/** JSON has no infinity. */
export function finite(logprob: number): number {
  return Number.isFinite(logprob) ? logprob : -9999;
}
