// @ll/sampling: logits to one id.

export { BUILD_803_DEFAULTS, type Build803Options, build803Chain } from "./build803-chain.ts";
export { type Candidates, createCandidates, findCandidate, keepOnly, softmax, sortCandidates } from "./candidates.ts";
export { expf, log2f, logf, powf } from "./libm.ts";
export { createRng, type Rng, resolveSeed } from "./rng.ts";
export { createSampler, type Sampler, type SamplerOptions } from "./sampler.ts";
export type { StageContext } from "./stage.ts";
export type { CustomStage } from "./stages/custom.ts";
export type { FrequencyPresencePenaltyStage } from "./stages/frequency-presence-penalty.ts";
export type { GreedyStage } from "./stages/greedy.ts";
export type { LogitBiasStage } from "./stages/logit-bias.ts";
export type { Mirostat1Stage } from "./stages/mirostat1.ts";
export type { Mirostat2Stage } from "./stages/mirostat2.ts";
export type { RepetitionPenaltyStage } from "./stages/repetition-penalty.ts";
export type { TailFreeStage } from "./stages/tail-free.ts";
export type { TemperatureStage } from "./stages/temperature.ts";
export type { TopKStage } from "./stages/top-k.ts";
export type { TopPStage } from "./stages/top-p.ts";
export type { TypicalStage } from "./stages/typical.ts";
export type { SamplerStage } from "./stages.ts";
