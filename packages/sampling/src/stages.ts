// All stage kinds. To add one: a file in stages/, its type in `SamplerStage`, its row in `PREPARE`.

import { settleOrder } from "./candidates.ts";
import { show } from "./guards.ts";
import { type ApplyStage, OFF, type PrepareStage } from "./stage.ts";
import { type CustomStage, custom } from "./stages/custom.ts";
import { type DryStage, dry } from "./stages/dry.ts";
import { type FrequencyPresencePenaltyStage, frequencyPresencePenalty } from "./stages/frequency-presence-penalty.ts";
import { type GreedyStage, greedy } from "./stages/greedy.ts";
import { type LogitBiasStage, logitBias } from "./stages/logit-bias.ts";
import { type MinPStage, minP } from "./stages/min-p.ts";
import { type Mirostat1Stage, mirostat1 } from "./stages/mirostat1.ts";
import { type Mirostat2Stage, mirostat2 } from "./stages/mirostat2.ts";
import { type RepetitionPenaltyStage, repetitionPenalty } from "./stages/repetition-penalty.ts";
import { type TailFreeStage, tailFree } from "./stages/tail-free.ts";
import { type TemperatureStage, temperature } from "./stages/temperature.ts";
import { type TopKStage, topK } from "./stages/top-k.ts";
import { type TopPStage, topP } from "./stages/top-p.ts";
import { type TypicalStage, typical } from "./stages/typical.ts";
import { type XtcStage, xtc } from "./stages/xtc.ts";

/** One step of a chain, as data. */
export type SamplerStage =
  | LogitBiasStage
  | RepetitionPenaltyStage
  | FrequencyPresencePenaltyStage
  | DryStage
  | TopKStage
  | TailFreeStage
  | TypicalStage
  | TopPStage
  | MinPStage
  | XtcStage
  | TemperatureStage
  | Mirostat1Stage
  | Mirostat2Stage
  | GreedyStage
  | CustomStage;

const PREPARE: { readonly [Kind in SamplerStage["kind"]]: PrepareStage<Extract<SamplerStage, { kind: Kind }>> } = {
  "logit-bias": logitBias,
  "repetition-penalty": repetitionPenalty,
  "frequency-presence-penalty": frequencyPresencePenalty,
  dry,
  "top-k": topK,
  "tail-free": tailFree,
  typical,
  "top-p": topP,
  "min-p": minP,
  xtc,
  temperature,
  mirostat1,
  mirostat2,
  greedy,
  custom,
};

/** Checks a stage and makes it ready to run. @throws RangeError for an unknown kind or options that cannot be meant. */
export function prepareStage(stage: SamplerStage, nVocab: number): ApplyStage {
  if (!Object.hasOwn(PREPARE, stage.kind)) {
    throw new RangeError(`"kind" expected one of ${Object.keys(PREPARE).join(", ")}, got ${show(stage.kind)}`);
  }
  const prepare = PREPARE[stage.kind] as PrepareStage<SamplerStage>;
  const apply = prepare(stage, nVocab);
  if (apply === OFF || TAKES_ANY_ORDER.has(stage.kind)) return apply;
  return (candidates, context) => {
    settleOrder(candidates);
    apply(candidates, context);
  };
}

/** Stages that know of an order that is not settled: of sorted candidates they look at logits alone, and drop only from the end. */
const TAKES_ANY_ORDER: ReadonlySet<SamplerStage["kind"]> = new Set<SamplerStage["kind"]>([
  "top-k",
  "tail-free",
  "typical",
  "top-p",
  "min-p",
  "temperature",
  "mirostat1",
  "mirostat2",
]);
