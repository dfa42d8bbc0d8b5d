// The state of one running text, moved by three steps that a program calls in turns: `accept` tokens, `evaluatePending`,
// `sample`. The order of events is that of the main loop of llama.cpp build 803, so that long texts, conversations and
// sessions go on with the same tokens.

import type { AbortSignal } from "@ll/bytes";
import { returnTo } from "./context-memory.ts";
import { createDrafter, type DraftCounts, type DraftOptions } from "./drafts.ts";
import { assertIndex, type Context } from "./model.ts";

/** What chooses the next token; a `Sampler` of @ll/sampling is one. */
export interface TokenSampler {
  /** `lastTokens` has contextTokens entries, newest last, and starts as zeros. */
  sample(logits: Float32Array, lastTokens: ArrayLike<number>): number; // logits: (nVocab)
}

export interface TokenGeneratorOptions extends DraftOptions {
  readonly sampler: TokenSampler;
  /** Tokens at the start that stay when the context is full; default 0. Position 0 always stays. */
  readonly keepTokens?: number;
  /** Most tokens of one evaluation; default 512. */
  readonly batchTokens?: number;
  /**
   * Positions that must be left behind the pending tokens, else the context is swapped: those by which another text that is kept
   * in step with this one, such as the negative one of guidance, is ahead. Default 0.
   */
  readonly tokensAhead?: number;
  /** Tokens that are in the cache already: those of a restored session after `matchSession`; [] starts a new one. */
  readonly session?: {
    readonly tokens: readonly number[];
    /** Logits to sample from if no token has to be evaluated. */
    readonly logits?: Float32Array; // (nVocab)
  };
}

/** What `evaluatePending` had to do besides evaluating. */
export interface PendingReport {
  /** Tokens dropped from the end because at most contextTokens − 4 are taken at once. */
  readonly nSkipped: number;
  /** True if the context was full and its newer half was evaluated again behind the kept tokens. */
  readonly swapped: boolean;
  /** All tokens that were evaluated, but for those that a recurrent model had to see again, to go back to a position. */
  readonly evaluated: readonly number[];
}

export interface TokenGenerator {
  /** History for the sampler: the last contextTokens tokens, newest last, zeros before the first. A live view. */
  readonly lastTokens: Int32Array; // (contextTokens)
  /** Accepted or sampled tokens that are not in the cache yet. */
  readonly pending: readonly number[];
  /** Positions of the cache in use. */
  readonly nPast: number;
  /** Logits of the token evaluated last. */
  readonly logits: Float32Array | undefined; // (nVocab)
  /** The tokens of all cached positions, for a session file; undefined without a session and after a context swap. */
  readonly sessionTokens: readonly number[] | undefined;
  /** What came of drafts until now; undefined if nothing is drafted: not asked for, or the context cannot take tokens back. A live view. */
  readonly drafts: DraftCounts | undefined;
  /** True if the pending tokens do not fit behind nPast: the next `evaluatePending` swaps. */
  readonly isFull: boolean;
  /**
   * Takes prompt or user tokens. They enter the history at once. Build 803 hands over at most `batchTokens` between two
   * evaluations; more at a time would make a context swap cut elsewhere.
   */
  accept(tokens: ArrayLike<number>): void;
  /**
   * Brings the pending tokens into the cache. After an abort the evaluated ones are no longer pending and another call goes on.
   * Behind a drawn token it may evaluate a draft; `mostDrafted` says how many tokens of it can still be drawn.
   * @throws ContextOverflowError if keepTokens leaves no room for them.
   */
  evaluatePending(options?: {
    readonly signal?: AbortSignal | undefined;
    readonly mostDrafted?: number;
  }): Promise<PendingReport>;
  /**
   * Draws a token, which enters the history and becomes pending. `substitute` says what is evaluated in its place, while the
   * history keeps the drawn one: build 803 turns an end of text into a new line in conversations.
   * @throws Error while tokens are pending or before anything was evaluated.
   */
  sample(substitute?: (id: number) => number): number;
}

/** Build 803 takes at most this many tokens fewer than a context has in one go. */
export const RESERVED_TOKENS = 4;

/** Smallest context that build 803's `main` makes. */
const MIN_CONTEXT_TOKENS = 8;

export const DEFAULT_BATCH_TOKENS = 512;

/** @throws RangeError for a context below 8 tokens or options out of range. */
export function createGenerator(context: Context, options: TokenGeneratorOptions): TokenGenerator {
  const { contextTokens } = context;
  const { sampler, keepTokens = 0, batchTokens = DEFAULT_BATCH_TOKENS, tokensAhead = 0, session } = options;
  if (contextTokens < MIN_CONTEXT_TOKENS) {
    throw new RangeError(`"contextTokens" expected at least ${MIN_CONTEXT_TOKENS}, got ${contextTokens}`);
  }
  assertIndex("keepTokens", keepTokens, 0);
  assertIndex("batchTokens", batchTokens, 1);
  assertIndex("tokensAhead", tokensAhead, 0);

  const drafter = createDrafter(context, options);
  const { nVocab } = context.config;

  const lastTokens = new Int32Array(contextTokens); // (contextTokens)
  const placed: number[] = []; // (nPast): tokens of the positions in use
  let pending: number[] = [];
  let nNew = 0; // pending tokens at the end that no evaluation has begun with
  let logits = session?.logits;
  let sessionTokens = session === undefined ? undefined : [...session.tokens];
  let isDrawn = false; // the pending token was drawn, so that another will be
  /** A draft in the cache, behind the positions in use, and how much of it was drawn. */
  let draft: { readonly tokens: readonly number[]; readonly rows: Float32Array; nUsed: number } | undefined; // rows: (1 + tokens, nVocab)

  function remember(id: number): void {
    lastTokens.copyWithin(0, 1);
    lastTokens[contextTokens - 1] = id;
  }

  /**
   * Pending tokens more than are taken at once. What an abort left behind is not counted: it was cut before, and a swap may have
   * put as much in front of it as there is room.
   */
  function nExcess(): number {
    return Math.max(0, Math.min(nNew, pending.length - (contextTokens - RESERVED_TOKENS)));
  }

  function isOver(nTokens: number): boolean {
    return placed.length + nTokens + tokensAhead > contextTokens;
  }

  /** Restarts the cache behind the kept tokens with the newer half of what was in it, taken from the history. */
  function swapContext(): void {
    const nLeft = Math.max(0, placed.length - keepTokens);
    placed.length = Math.min(placed.length, Math.max(1, keepTokens));
    const room = Math.max(0, contextTokens - placed.length - pending.length);
    const end = contextTokens - pending.length; // the pending tokens are in the history already
    const nAgain = Math.min(Math.trunc(nLeft / 2), room);
    pending = [...lastTokens.subarray(end - nAgain, end), ...pending];
    sessionTokens = undefined;
  }

  /** Steps over pending tokens that a session has in the cache; at the first other one the session's rest is given up. */
  function reuseSession(): void {
    if (sessionTokens === undefined) return;
    let nReused = 0;
    while (nReused < pending.length && placed.length < sessionTokens.length) {
      if (pending[nReused] !== sessionTokens[placed.length]) sessionTokens.length = placed.length;
      else {
        placed.push(sessionTokens[placed.length]!);
        nReused++;
      }
    }
    pending = pending.slice(nReused);
  }

  /** Steps over pending tokens that were drafted; at the first other one the rest of the draft is given up. */
  function useDraft(): void {
    while (draft !== undefined && pending.length > 0) {
      const { tokens, rows, nUsed } = draft;
      if (pending[0] !== tokens[nUsed]) {
        endDraft();
        return;
      }
      draft.nUsed++;
      logits = rows.subarray(draft.nUsed * nVocab, (draft.nUsed + 1) * nVocab);
      drafter?.used();
      place(pending.slice(0, 1));
    }
  }

  function endDraft(): void {
    if (draft !== undefined) drafter?.checked(draft.tokens.length, draft.nUsed);
    draft = undefined;
  }

  /** Notes that the first pending tokens are in the cache. */
  function place(tokens: readonly number[]): void {
    placed.push(...tokens);
    sessionTokens?.push(...tokens);
    pending = pending.slice(tokens.length);
  }

  return {
    lastTokens,
    get pending() {
      return pending;
    },
    get nPast() {
      return placed.length;
    },
    get logits() {
      return logits;
    },
    get sessionTokens() {
      return sessionTokens;
    },
    drafts: drafter?.counts,
    get isFull() {
      return isOver(pending.length - nExcess());
    },

    accept(tokens) {
      for (let i = 0; i < tokens.length; i++) {
        const id = tokens[i]!;
        pending.push(id);
        remember(id);
      }
      nNew += tokens.length;
      isDrawn = false;
    },

    async evaluatePending({ signal, mostDrafted = Number.POSITIVE_INFINITY } = {}) {
      const nSkipped = nExcess();
      pending.length -= nSkipped;
      nNew = 0;
      const swapped = isOver(pending.length);
      if (swapped) {
        endDraft();
        swapContext();
      }
      reuseSession();
      const evaluated = pending;
      useDraft();
      if (pending.length > 0) await returnTo(context, placed, { batchTokens, signal });
      while (pending.length > 0) {
        const batch = pending.slice(0, batchTokens);
        const room = Math.min(mostDrafted, batchTokens - 1, contextTokens - tokensAhead - placed.length - 1);
        const canDraft = isDrawn && pending.length === 1;
        const tokens = canDraft ? await drafter?.propose([...placed, ...batch], room, signal) : undefined;
        if (tokens?.length) {
          const rows = await context.evaluate([...batch, ...tokens], placed.length, { logits: "all", signal });
          draft = { tokens, rows, nUsed: 0 };
          logits = rows.subarray(0, nVocab);
        } else {
          logits = await context.evaluate(batch, placed.length, { signal });
        }
        place(batch);
      }
      return { nSkipped, swapped, evaluated };
    },

    sample(substitute) {
      if (logits === undefined || pending.length > 0) throw new Error("evaluate the pending tokens before sampling");
      const id = sampler.sample(logits, lastTokens);
      remember(id);
      pending = [substitute === undefined ? id : substitute(id)];
      nNew = 1;
      isDrawn = true;
      return id;
    },
  };
}
