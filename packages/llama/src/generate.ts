// The short way from prompt ids to text: an async iterator over the generator's three steps.

import { ContextOverflowError } from "./errors.ts";
import { createGenerator, type TokenSampler } from "./generator.ts";
import type { Context } from "./model.ts";
import { createTextStream } from "./text-stream.ts";

export interface GenerateOptions {
  readonly sampler: TokenSampler;
  /** The bytes that a token stands for; none for control tokens. `decodeToken`-like functions of a tokenizer fit. */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Stop after so many tokens; default Infinity. */
  readonly maxTokens?: number;
  /** Stop before any of these texts; text that may yet become one is held back. */
  readonly stop?: readonly string[];
  /** Stop at this token; default 2, LLaMA's end of text. −1 never stops. */
  readonly eosId?: number;
  /** Prompt tokens that stay when the context is full; −1 for all of them; default 0. */
  readonly keepTokens?: number;
  /** Most tokens of one evaluation; default 512. */
  readonly batchTokens?: number;
  readonly signal?: AbortSignal;
}

export interface GeneratedToken {
  readonly id: number;
  /** Text that became certain with this token, whole characters only; often empty, and empty for the end of the text. */
  readonly text: string;
  /** Why this is the last token: the end of the text, a stop string, or maxTokens. */
  readonly finish: "eos" | "stop" | "length" | undefined;
}

/**
 * Continues `promptIds` (with BOS, if the model wants one) in a context, from position 0 on. A full context is swapped: the
 * kept tokens stay, the newer half of the others is evaluated again behind them.
 * @throws ContextOverflowError if the prompt has more than contextTokens − 4 tokens; the signal's reason, also in the middle
 * of a long prompt; RangeError or TypeError for bad options.
 */
export async function* generate(
  context: Context,
  promptIds: ArrayLike<number>,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { sampler, tokenBytes, maxTokens = Number.POSITIVE_INFINITY, eosId = 2, batchTokens = 512, signal } = options;
  const keepTokens = options.keepTokens === undefined ? 0 : options.keepTokens;
  const keep = keepTokens === -1 ? promptIds.length : Math.min(keepTokens, promptIds.length);
  const generator = createGenerator(context, { sampler, keepTokens: keep, batchTokens });
  const stream = createTextStream(options.stop);
  const evaluation = signal === undefined ? {} : { signal };
  if (promptIds.length === 0) throw new RangeError(`"promptIds" expected at least one id, got none`);
  if (promptIds.length > context.contextTokens - 4)
    throw new ContextOverflowError(0, promptIds.length, context.contextTokens);
  if (maxTokens <= 0) return;

  for (let first = 0; first < promptIds.length; first += batchTokens) {
    generator.accept(Array.prototype.slice.call(promptIds, first, first + batchTokens));
    await generator.evaluatePending(evaluation);
  }
  for (let nGenerated = 1; ; nGenerated++) {
    signal?.throwIfAborted();
    const id = generator.sample();
    if (id === eosId) {
      yield { id, text: stream.flush(), finish: "eos" };
      return;
    }
    const { text, stopped } = stream.push(tokenBytes(id));
    if (stopped) {
      yield { id, text, finish: "stop" };
      return;
    }
    if (nGenerated >= maxTokens) {
      yield { id, text: text + stream.flush(), finish: "length" };
      return;
    }
    yield { id, text, finish: undefined };
    await generator.evaluatePending(evaluation);
  }
}
