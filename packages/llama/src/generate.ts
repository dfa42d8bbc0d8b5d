// The short way from prompt ids to text: an async iterator over the generator's three steps.

import type { AbortSignal } from "@ll/bytes";
import { kindOf } from "@ll/bytes";
import { build803Chain, createSampler } from "@ll/sampling";
import type { DraftCounts, DraftOptions } from "./drafts.ts";
import { ContextOverflowError } from "./errors.ts";
import { createGenerator, DEFAULT_BATCH_TOKENS, RESERVED_TOKENS, type TokenSampler } from "./generator.ts";
import type { Context } from "./model.ts";
import { createTextStream } from "./text-stream.ts";

export interface GenerateOptions extends DraftOptions {
  /** Called at the end, if anything could be drafted. */
  readonly onEvent?: ((event: DraftsEvent) => void) | undefined;
  /** Default: the chain of build 803 with its default options, seeded by the clock. */
  readonly sampler?: TokenSampler;
  /** The bytes that a token stands for; none for control tokens. */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Stop after so many tokens; default Infinity. */
  readonly maxTokens?: number;
  /** Stop before any of these texts; text that may yet become one is held back. */
  readonly stop?: readonly string[];
  /** Stop at any of these tokens: `tokenizer.special.ends`. Default: at none. */
  readonly ends?: ReadonlySet<number>;
  /** Prompt tokens that stay when the context is full; −1 for all of them; default 0. */
  readonly keepTokens?: number;
  /** Most tokens of one evaluation; default 512. */
  readonly batchTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface DraftsEvent extends DraftCounts {
  readonly type: "drafts";
}

export interface GeneratedToken {
  readonly id: number;
  /** Text that became certain with this token, whole characters only; often empty, and empty for the end of the text. */
  readonly text: string;
  /** Why this is the last token: the end of the text, a stop string, or maxTokens. */
  readonly finish: "eos" | "stop" | "length" | undefined;
}

const NO_IDS: ReadonlySet<number> = /* @__PURE__ */ new Set();

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
  if (typeof context?.evaluate !== "function") {
    throw new TypeError(`"context" expected what await model.createContext() gives, got ${kindOf(context)}`);
  }
  const {
    tokenBytes,
    maxTokens = Number.POSITIVE_INFINITY,
    ends = NO_IDS,
    batchTokens = DEFAULT_BATCH_TOKENS,
    lookup,
    draft,
    signal,
    onEvent,
  } = options;
  const { contextTokens } = context;
  const prompt = Array.from(promptIds);
  const nPrompt = prompt.length;
  if (Number.isNaN(maxTokens)) throw new RangeError(`"maxTokens" expected a number, got NaN`);
  if (nPrompt === 0) throw new RangeError(`"promptIds" expected at least one id, got none`);
  if (nPrompt > contextTokens - RESERVED_TOKENS)
    throw new ContextOverflowError(0, nPrompt, contextTokens, RESERVED_TOKENS);
  const keepTokens = options.keepTokens === -1 ? nPrompt : Math.min(options.keepTokens ?? 0, nPrompt);
  const sampler = options.sampler ?? defaultSampler(context);
  const generator = createGenerator(context, { lookup, draft, sampler, keepTokens, batchTokens });
  const stream = createTextStream(options.stop);
  if (maxTokens <= 0) return;

  try {
    for (let first = 0; first < nPrompt; first += batchTokens) {
      generator.accept(prompt.slice(first, first + batchTokens));
      await generator.evaluatePending({ signal });
    }
    for (let nGenerated = 1; ; nGenerated++) {
      signal?.throwIfAborted();
      const id = generator.sample();
      if (ends.has(id)) {
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
      await generator.evaluatePending({ signal, mostDrafted: maxTokens - nGenerated - 1 });
    }
  } finally {
    if (generator.drafts !== undefined) onEvent?.({ type: "drafts", ...generator.drafts });
  }
}

function defaultSampler(context: Context): TokenSampler {
  return createSampler({ stages: build803Chain(), seed: -1, nVocab: context.config.nVocab });
}
