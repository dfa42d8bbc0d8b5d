// Every option of ll-main, in one table. Names and meanings are build 803's, then those of later builds; the other programs
// that run a model read the same command line, as they always did.

import { INTERACTION_OPTIONS } from "./interaction.ts";
import { MODEL_OPTIONS } from "./model.ts";
import type { RunOption } from "./option.ts";
import { OTHER_OPTIONS } from "./other.ts";
import { PROMPT_OPTIONS } from "./prompt.ts";
import { SAMPLING_OPTIONS } from "./sampling.ts";
import { SCORING_OPTIONS } from "./scoring.ts";

export const MAIN_OPTIONS: readonly RunOption[] = [
  ...MODEL_OPTIONS,
  ...PROMPT_OPTIONS,
  ...SAMPLING_OPTIONS,
  ...INTERACTION_OPTIONS,
  ...SCORING_OPTIONS,
  ...OTHER_OPTIONS,
];
