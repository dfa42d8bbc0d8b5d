// Drafts: guesses of the next tokens, from the text or from a small model. They are evaluated together with the last token, in one pass
// over the weights, and used as far as the sampler draws the same. So they change no draw, and no text.

import type { AbortSignal } from "@ll/bytes";
import { lookUpDraft } from "@ll/sampling";
import { evaluateInBatches } from "./context-memory.ts";
import { assertIndex, type Context } from "./model.ts";

/** Most tokens of a draft: each has a row of logits in memory. */
export const MAX_DRAFT_TOKENS = 64;
/** Tokens of a draft of a small model, unless somebody says: behind more, few are right. */
export const DEFAULT_DRAFT_TOKENS = 5;

/** Where drafts come from: the first that has one. */
export interface DraftOptions {
  /** Tokens of a draft at most, of what stood behind the latest tokens where they came before. Default 0: none. */
  readonly lookup?: number | undefined;
  /** A context of a smaller model with the same vocabulary, and how many tokens of it to take at most. */
  readonly draft?: { readonly context: Context; readonly tokens: number } | undefined;
}

export interface DraftCounts {
  /** Tokens of all drafts that were evaluated. */
  readonly nDrafted: number;
  /** Those of them that the sampler drew, each of which cost no evaluation of its own. */
  readonly nAccepted: number;
}

export interface Drafter {
  readonly counts: DraftCounts;
  /** Tokens that may follow `tokens`, at most `most` and at most as many as seem to pay; often none. */
  propose(tokens: readonly number[], most: number, signal: AbortSignal | undefined): Promise<readonly number[]>;
  /** A token of a draft was drawn. */
  used(): void;
  /** What came of a whole draft. */
  checked(nDrafted: number, nAccepted: number): void;
}

/** Undefined if nothing is to be drafted, or if rejected tokens could not be taken back. @throws RangeError, TypeError */
export function createDrafter(context: Context, { lookup = 0, draft }: DraftOptions): Drafter | undefined {
  assertIndex("lookup", lookup, 0, MAX_DRAFT_TOKENS);
  if (draft !== undefined) {
    assertIndex("draft.tokens", draft.tokens, 0, MAX_DRAFT_TOKENS);
    if (draft.context === context)
      throw new TypeError(`"draft.context" expected another context than that of the text`);
    if (draft.context.memory.kind !== "positions") {
      throw new TypeError(`"draft.context" expected one of a model without recurrent layers`);
    }
  }
  const most = Math.max(lookup, draft?.tokens ?? 0);
  if (most === 0 || context.memory.kind !== "positions" || context.isCutVisible) return undefined;
  const { nVocab } = context.config;
  const pace = createPace(most);
  const propose = draft === undefined ? undefined : modelDrafts(draft.context);
  const counts = { nDrafted: 0, nAccepted: 0 };
  return {
    counts,
    async propose(tokens, room, signal) {
      const n = Math.min(pace.next(), room);
      if (n <= 0) return [];
      let ids = lookUpDraft(tokens, Math.min(n, lookup));
      if (ids.length === 0 && propose !== undefined) ids = await propose(tokens, Math.min(n, draft!.tokens), signal);
      const unknown = ids.findIndex((id) => id >= nVocab); // vocabularies may be padded to other sizes
      if (unknown >= 0) ids.length = unknown;
      counts.nDrafted += ids.length;
      return ids;
    },
    used() {
      counts.nAccepted++;
    },
    checked: pace.checked,
  };
}

/**
 * How long drafts are. They grow while they are right, and pause, longer and longer, while fewer than one in three of their tokens is: to
 * check one costs about a quarter of what a token costs. It counts, and looks at no clock, so that runs can be repeated.
 */
function createPace(most: number) {
  let length = Math.min(most, FIRST_LENGTH);
  let nFailed = 0; // in a row
  let pause = 0; // tokens until the next draft
  return {
    next(): number {
      if (pause === 0) return length;
      pause--;
      return 0;
    },
    checked(nDrafted: number, nAccepted: number): void {
      length =
        nAccepted === nDrafted ? Math.min(most, 2 * length) : Math.min(most, Math.max(nAccepted + 1, length >> 1));
      nFailed = 3 * nAccepted >= nDrafted ? 0 : Math.min(nFailed + 1, MAX_PAUSE_BITS);
      pause = 2 ** nFailed - 1;
    },
  };
}

const FIRST_LENGTH = 4;
const MAX_PAUSE_BITS = 6;

/** Greedy drafts of a model, whose context follows the text. */
function modelDrafts(context: Context) {
  const placed: number[] = []; // tokens of the positions in use
  let logits: Float32Array | undefined; // (nVocab): behind the last of them
  const { nVocab } = context.config;

  async function place(tokens: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    logits = (await evaluateInBatches(context, tokens, placed.length, { batchTokens: BATCH_TOKENS, signal })) ?? logits;
    placed.push(...tokens);
  }

  return async (tokens: readonly number[], n: number, signal: AbortSignal | undefined): Promise<number[]> => {
    if (tokens.length + n > context.contextTokens || tokens.some((id) => id >= nVocab)) return [];
    let nSame = 0;
    while (nSame < placed.length && nSame < tokens.length - 1 && placed[nSame] === tokens[nSame]) nSame++;
    placed.length = nSame;
    await place(tokens.slice(nSame), signal);
    const draft: number[] = [];
    for (;;) {
      draft.push(indexOfLargest(logits!));
      if (draft.length === n) return draft;
      await place(draft.slice(-1), signal);
    }
  };
}

const BATCH_TOKENS = 512;

function indexOfLargest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
