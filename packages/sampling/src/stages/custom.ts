// A stage that the caller writes: guidance, a grammar, a filter of one's own.

import type { Candidates } from "../candidates.ts";
import { show } from "../guards.ts";
import type { ApplyStage, StageContext } from "../stage.ts";

export interface CustomStage {
  readonly kind: "custom";
  /** Names the stage in errors. */
  readonly name: string;
  /**
   * Changes the candidates in place. It may set logits, reorder or drop candidates (`n` ≥ 1 must remain), or choose one
   * with `keepOnly`; if it changes the order of the logits it sets `sorted` to false.
   */
  apply(candidates: Candidates, context: StageContext): void;
  /**
   * Called at the end of every `sample` with the id that it is about to return, in the order of the chain: for a stage whose
   * state follows the text, such as a grammar. What it throws, `sample` throws.
   */
  accept?(id: number): void;
}

export function custom(stage: CustomStage): ApplyStage {
  return (candidates, context) => {
    stage.apply(candidates, context);
    const { n, ids } = candidates;
    if (!(Number.isInteger(n) && n >= 1 && n <= ids.length)) {
      throw new RangeError(`stage "${stage.name}" expected to leave 1 to ${ids.length} candidates, got ${show(n)}`);
    }
  };
}
