// A sampler: a chain of stages, an engine, and the arrays they work on.

import { type Candidates, createCandidates, idAt } from "./candidates.ts";
import { softmaxUnsettled } from "./front.ts";
import { checkInteger, show } from "./guards.ts";
import { createRng, type Rng, resolveSeed } from "./rng.ts";
import type { StageContext } from "./stage.ts";
import { prepareStage, type SamplerStage } from "./stages.ts";

export interface SamplerOptions {
  /** Applied in this order; then one of the remaining candidates is drawn. An empty chain draws from the plain softmax. */
  readonly stages: readonly SamplerStage[];
  /** 32-bit seed; −1 takes the clock. The same seed, stages and logits give the same ids on every machine. */
  readonly seed: number;
  /** Number of logits, and of ids. */
  readonly nVocab: number;
}

/** Chooses ids. It holds state (the engine, mirostat's bound): one sampler per sequence. */
export interface Sampler {
  /** The seed in use, resolved: a number to print so that a run can be repeated. */
  readonly seed: number;
  /** The engine, for saving and restoring its state. */
  readonly rng: Rng;
  /**
   * Chooses an id in [0, nVocab) from `logits` (nVocab values, left as they are unless a stage says otherwise).
   * `lastTokens` is the history that penalties look at, newest last; llama.cpp pads it with zeros to the context size.
   * What is as large as the vocabulary is allocated once. NaN counts as −∞, which is forbidden; where all are forbidden any id may
   * come, and +∞ leaves nothing to the others.
   * @throws RangeError if the number of logits is not nVocab; what a custom stage throws, such as a `GrammarError`.
   */
  sample(logits: Float32Array, lastTokens?: ArrayLike<number>): number;
  /** Restarts the engine from a seed; mirostat's bound stays. */
  reseed(seed: number): void;
}

const NO_TOKENS: ArrayLike<number> = [];

/** A sampler for vocabularies of `nVocab` ids. @throws RangeError for options that cannot be meant; TypeError for stages that are no list. */
export function createSampler(options: SamplerOptions): Sampler {
  if (!Array.isArray(options?.stages)) {
    throw new TypeError(`"stages" expected an array, such as [{ kind: "greedy" }], got ${show(options?.stages)}`);
  }
  const nVocab = checkInteger("nVocab", options.nVocab, 1, 2 ** 31 - 1);
  const steps = options.stages.map((stage) => prepareStage(stage, nVocab));
  const followers = options.stages.filter((stage) => stage.kind === "custom");
  let seed = resolveSeed(options.seed);
  const rng = createRng(seed);
  const candidates = createCandidates(nVocab);
  const idsInOrder = Int32Array.from({ length: nVocab }, (_, id) => id); // (nVocab)
  // one object for all calls, so that a call allocates nothing
  const context: { -readonly [Field in keyof StageContext]: StageContext[Field] } = {
    logits: candidates.logits,
    lastTokens: NO_TOKENS,
    rng,
    nVocab,
  };

  return {
    get seed() {
      return seed;
    },
    rng,
    sample(logits, lastTokens = NO_TOKENS) {
      if (logits?.length !== nVocab) {
        throw new RangeError(`"logits" expected nVocab = ${nVocab} values, got ${logits?.length ?? show(logits)}`);
      }
      candidates.ids.set(idsInOrder);
      candidates.logits.set(logits);
      candidates.n = nVocab;
      candidates.sorted = false;
      candidates.sortLater = false;
      candidates.openTies = undefined;
      context.logits = logits;
      context.lastTokens = lastTokens;
      for (const step of steps) step(candidates, context);
      const id = drawCandidate(candidates, rng);
      for (const stage of followers) stage.accept?.(id);
      return id;
    },
    reseed(value) {
      seed = resolveSeed(value);
      rng.seed(seed);
    },
  };
}

/** The id of a random candidate. A single one is no choice: it costs no random number. */
function drawCandidate(candidates: Candidates, rng: Rng): number {
  if (candidates.n > 1) softmaxUnsettled(candidates);
  return idAt(candidates, rng.draw(candidates.p, candidates.n));
}
