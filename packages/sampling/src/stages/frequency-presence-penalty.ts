// Frequency and presence penalties as the OpenAI API defines them: logit −= count · frequency + presence.

import { checkNumber } from "../guards.ts";
import { type ApplyStage, OFF } from "../stage.ts";
import { type PenaltyWindow, prepareTokenPenalty } from "./token-penalty.ts";

export interface FrequencyPresencePenaltyStage extends PenaltyWindow {
  readonly kind: "frequency-presence-penalty";
  /** Subtracted once per occurrence; 0 is off. */
  readonly frequency: number;
  /** Subtracted once per id that occurs; 0 is off. */
  readonly presence: number;
}

export function frequencyPresencePenalty(stage: FrequencyPresencePenaltyStage, nVocab: number): ApplyStage {
  const frequency = checkNumber("frequency-presence-penalty: frequency", stage.frequency, "a number (0: off)");
  const presence = checkNumber("frequency-presence-penalty: presence", stage.presence, "a number (0: off)");
  const apply = prepareTokenPenalty(
    stage,
    nVocab,
    (logit, count) => logit - Math.fround(Math.fround(count * frequency) + presence),
  );
  return frequency === 0 && presence === 0 ? OFF : apply;
}
