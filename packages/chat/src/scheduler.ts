// What a server asks of the queue and of the steps, and what it is told of them.

import type { SlotStats } from "./sequence.ts";

export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly contexts: number;
  /** Tokens evaluated since the model was opened. */
  readonly evaluatedTokens: number;
  /** Tokens that were guessed, and those of them that were drawn. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Milliseconds that an answer took in the mean of the latest ones; 0 before the first. */
  readonly answerMs: number;
  /** One for each context. */
  readonly slots: readonly SlotStats[];
}

/** A pass through the model. */
export interface StepReport {
  readonly rows: number;
  readonly ms: number;
}

/** What a server asks of the queue and of the steps. */
export interface SchedulerOptions {
  /** Contexts that are kept; those beyond `parallel` remember what was said. Default: `parallel`. */
  readonly contexts?: number | undefined;
  /** Sequences that wait; beyond, they end with `E_OVERLOADED`. Default: any number. */
  readonly maxWaiting?: number | undefined;
  /** Milliseconds after which one that waits ends with `E_QUEUE_TIMEOUT`. Default: never. */
  readonly maxWaitMs?: number | undefined;
  /** While sequences generate, prompts get as many rows of a step as let it end in this time, and 8 at least. Default: 250. */
  readonly maxStepMs?: number | undefined;
  /** Tokens of prompts in one step, in all; 8 at least. Default: 64. */
  readonly maxStepTokens?: number | undefined;
  /** Clients take over what prompts of others hold as well; how fast an answer comes then tells of them. Default: false. */
  readonly isShared?: boolean | undefined;
  readonly onStep?: ((step: StepReport) => void) | undefined;
}
