// One sequence, the context that it runs in, and what it adds to a step.

import type { Context } from "@ll/llama";
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
  startedAt: number;
  generatingAt: number;
}

export interface Item {
  readonly sequence: Sequence;
  readonly slot: Slot;
  readonly nPast: number;
  readonly tokens: readonly number[];
}

export function itemOf(sequence: Sequence, rows: number): Item {
  const slot = sequence.slot as Slot;
  const nPast = slot.ids.length;
  return { sequence, slot, nPast, tokens: sequence.ids.slice(nPast, nPast + rows) };
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
export function wanted({ ids, request, drawn }: Sequence, end: number): "none" | "last" | "all" {
  if (request.onPromptLogits !== undefined && drawn === 0) return "all";
  return end < ids.length ? "none" : "last"; // none: there is more of the prompt
}

/** Hands on the logits of a prompt, if they are wanted. @param logits (n, nVocab) of a prompt, else (nVocab); @returns those of the last token */
export function lastOf({ request, drawn }: Sequence, logits: Float32Array, n: number): Float32Array {
  if (request.onPromptLogits === undefined || drawn > 0) return logits;
  const nVocab = logits.length / n;
  for (let i = 0; i < n; i++) request.onPromptLogits(logits.subarray(i * nVocab, (i + 1) * nVocab));
  return logits.slice((n - 1) * nVocab);
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
