// One sequence, the context that it runs in, and what it adds to a step.

import type { Context, Drafter } from "@ll/llama";
import type { Sampler } from "@ll/sampling";

/** What one sequence wants. */
export interface SequenceRequest {
  readonly prompt: readonly number[];
  readonly sampler: Pick<Sampler, "sample">;
  /** Most tokens that are drawn. */
  readonly maxTokens: number;
  /** Greater goes first. */
  readonly priority: number;
  /** Whether positions of earlier sequences may be taken over. */
  readonly reuse: boolean;
  /** Whose it is: clients take turns in the queue, and take over positions of their own alone. */
  readonly client: string | undefined;
  /** Whether to guess what may follow, where the engine can. */
  readonly drafts: boolean;
  readonly signal: AbortSignal;
  /** Positions of the prompt that are in the cache; 0 when it is accepted. */
  onPrompt(done: number, cached: number): void;
  /** Takes the logits behind each token of the prompt, in order; then nothing is taken over from earlier sequences. */
  onPromptLogits?: ((logits: Float32Array) => void) | undefined; // logits: (nVocab)
  /** Takes a drawn id. True ends the sequence. */
  onToken(id: number, logits: Float32Array): boolean; // logits: (nVocab)
}

export interface SequenceReport {
  /** "full": most tokens, or the end of the context. */
  readonly finish: "ended" | "full";
  readonly cachedTokens: number;
  readonly drawnTokens: number;
  /** Tokens of guesses, and those of them that were drawn: each cost no pass of its own. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Milliseconds: waiting, reading the prompt, generating. */
  readonly queueMs: number;
  readonly promptMs: number;
  readonly generateMs: number;
}

export interface SlotStats {
  readonly state: "idle" | "prompt" | "generating";
  /** Positions that are kept. */
  readonly held: number;
  /** Of what runs in it: tokens of the prompt, those of them that were there, tokens drawn, milliseconds. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly drawnTokens: number;
  readonly ms: number;
}

export interface Slot {
  readonly context: Context;
  /** Of the small model that guesses, if there is one. */
  readonly draftContext: Context | undefined;
  /** Undefined if nothing is to be guessed, or if guesses could not be taken back. */
  readonly drafter: Drafter | undefined;
  /** What its positions hold, and of whom. */
  ids: number[];
  client: string | undefined;
  isBusy: boolean;
  lastUsed: number;
}

export interface Sequence {
  readonly request: SequenceRequest;
  readonly ids: number[]; // the prompt, then what was drawn
  readonly history: Int32Array; // (contextTokens): zeros, then all ids, newest last
  readonly resolve: (report: SequenceReport) => void;
  readonly reject: (reason: unknown) => void;
  readonly queuedAt: number;
  slot: Slot | undefined;
  cached: number;
  drawn: number;
  drafted: number;
  accepted: number;
  startedAt: number;
  generatingAt: number;
}

export interface Item {
  readonly sequence: Sequence;
  readonly slot: Slot;
  readonly nPast: number;
  readonly tokens: readonly number[];
  /** A guess of what is drawn behind them. */
  readonly draft: readonly number[];
}

export function itemOf(sequence: Sequence, rows: number): Item {
  const slot = sequence.slot as Slot;
  const nPast = slot.ids.length;
  return { sequence, slot, nPast, tokens: sequence.ids.slice(nPast, nPast + rows), draft: [] };
}

export function slotStats(slot: Slot, running: readonly Sequence[]): SlotStats {
  const sequence = running.find((one) => one.slot === slot);
  const state = sequence === undefined ? "idle" : isReading(sequence) ? "prompt" : "generating";
  return {
    state,
    held: slot.ids.length,
    promptTokens: sequence?.request.prompt.length ?? 0,
    cachedTokens: sequence?.cached ?? 0,
    drawnTokens: sequence?.drawn ?? 0,
    ms: sequence === undefined ? 0 : performance.now() - sequence.startedAt,
  };
}

export function isReading({ slot, request }: Sequence): boolean {
  return (slot?.ids.length ?? 0) < request.prompt.length - 1;
}

/** Whose logits a step is to give, if it reads so far. */
export function wanted({ sequence: { ids, request, drawn }, nPast, tokens, draft }: Item): "none" | "last" | "all" {
  if (draft.length > 0 || (request.onPromptLogits !== undefined && drawn === 0)) return "all";
  return nPast + tokens.length < ids.length ? "none" : "last"; // none: there is more of the prompt
}

/**
 * Logits of the last token and of its draft. Hands on those of a prompt, if they are wanted.
 * @param logits (n, nVocab), or (nVocab) of the last token, or none
 */
export function rowsOf(item: Item, logits: Float32Array): Float32Array[] {
  if (wanted(item) !== "all") return [logits];
  const { sequence, tokens, draft } = item;
  const n = tokens.length + draft.length;
  const nVocab = logits.length / n;
  const rows = Array.from({ length: n }, (_, i) => logits.subarray(i * nVocab, (i + 1) * nVocab));
  if (sequence.drawn === 0) for (const row of rows) sequence.request.onPromptLogits?.(row);
  return rows.slice(tokens.length - 1);
}

/** Positions of a context that a prompt can go on from: at least one of its tokens is evaluated, for its logits. */
export function reusable({ context, ids }: Slot, prompt: readonly number[]): number {
  const most = Math.min(ids.length, prompt.length - 1);
  let n = 0;
  while (n < most && ids[n] === prompt[n]) n++;
  const { memory } = context;
  if (memory.kind === "positions") return n;
  return Math.max(0, ...memory.positions.filter((position) => position <= n));
}
