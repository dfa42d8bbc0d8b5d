// What every stage of a chain is made of.

import type { Candidates } from "./candidates.ts";
import type { Rng } from "./rng.ts";

/** What a stage may look at besides the candidates; valid during the call only. */
export interface StageContext {
  /** The logits given to `sample`, index = id. Writing to it changes the caller's buffer. */
  readonly logits: Float32Array; // (nVocab)
  /** The token history given to `sample`, newest last. */
  readonly lastTokens: ArrayLike<number>;
  /** The sampler's engine: a stage that draws from it changes every later draw. */
  readonly rng: Rng;
  readonly nVocab: number;
}

/** One step of sampling: changes the candidates in place. */
export type ApplyStage = (candidates: Candidates, context: StageContext) => void;

/** What a stage runs whose options switch it off. */
export const OFF: ApplyStage = () => {};

/**
 * Checks a stage's options, allocates what it needs for `nVocab` candidates, and returns the step.
 * @throws RangeError for options that cannot be meant.
 */
export type PrepareStage<Stage> = (stage: Stage, nVocab: number) => ApplyStage;
