// Repetition penalty of CTRL (Keskar et al. 2019, section 4.1), with the sign fix of llama.cpp: positive logits are divided,
// others multiplied, so that a penalty above 1 always makes a repeated token less likely. Once per id, however often it occurs.

import { checkNumber, finite } from "../guards.ts";
import { type ApplyStage, OFF } from "../stage.ts";
import { type PenaltyWindow, prepareTokenPenalty } from "./token-penalty.ts";

export interface RepetitionPenaltyStage extends PenaltyWindow {
  readonly kind: "repetition-penalty";
  /** Above 1 discourages repetition, 1 is off. */
  readonly penalty: number;
}

export function repetitionPenalty(stage: RepetitionPenaltyStage, nVocab: number): ApplyStage {
  const penalty = finite(checkNumber("repetition-penalty: penalty", stage.penalty, "n > 0 (1: off)"));
  const apply = prepareTokenPenalty(stage, nVocab, (logit) => (logit <= 0 ? logit * penalty : logit / penalty));
  return penalty === 1 ? OFF : apply;
}
