// @ll/sampling: logits to one id.

export { BUILD_803_DEFAULTS, type Build803Options, build803Chain } from "./build803-chain.ts";
export { type Candidates, createCandidates, findCandidate, keepOnly, softmax, sortCandidates } from "./candidates.ts";
export { GrammarError, type GrammarErrorCode, isGrammarError } from "./grammar/errors.ts";
export type { Grammar, GrammarElement, GrammarElementKind, GrammarRule } from "./grammar/grammar.ts";
export { createGrammarStage, type GrammarStage, type GrammarStageOptions } from "./grammar/grammar-stage.ts";
export { parseGrammar } from "./grammar/parser.ts";
export { printGrammar } from "./grammar/printer.ts";
export {
  createGrammarVocabulary,
  type GrammarVocabulary,
  type GrammarVocabularyOptions,
} from "./grammar/vocabulary.ts";
export { applyGuidance } from "./guidance.ts";
export { type ArgumentsNotation, schemaToArguments } from "./json-schema/arguments.ts";
export { type Callable, type CallsNotation, callsToGrammar, type NamedCall } from "./json-schema/calls.ts";
export { type JsonSchemaOptions, jsonSchemaToGrammar } from "./json-schema/json-schema.ts";
export type { CheckedSchema, JsonType } from "./json-schema/schema.ts";
export type { UnenforcedKeyword } from "./json-schema/schema-rules.ts";
export { expf, log2f, logf, powf } from "./libm.ts";
export { lookUpDraft } from "./prompt-lookup.ts";
export { createRng, type Rng, resolveSeed } from "./rng.ts";
export { createSampler, type Sampler, type SamplerOptions } from "./sampler.ts";
export { SAMPLING_DEFAULTS, type SamplingOptions, samplingChain } from "./sampling-chain.ts";
export { type BreakerVocabulary, DRY_SEQUENCE_BREAKERS, sequenceBreakers } from "./sequence-breakers.ts";
export type { StageContext } from "./stage.ts";
export type { CustomStage } from "./stages/custom.ts";
export type { DryStage } from "./stages/dry.ts";
export type { FrequencyPresencePenaltyStage } from "./stages/frequency-presence-penalty.ts";
export type { GreedyStage } from "./stages/greedy.ts";
export type { LogitBiasStage } from "./stages/logit-bias.ts";
export type { MinPStage } from "./stages/min-p.ts";
export type { Mirostat1Stage } from "./stages/mirostat1.ts";
export type { Mirostat2Stage } from "./stages/mirostat2.ts";
export type { RepetitionPenaltyStage } from "./stages/repetition-penalty.ts";
export type { TailFreeStage } from "./stages/tail-free.ts";
export type { TemperatureStage } from "./stages/temperature.ts";
export type { TopKStage } from "./stages/top-k.ts";
export type { TopPStage } from "./stages/top-p.ts";
export type { TypicalStage } from "./stages/typical.ts";
export type { XtcStage } from "./stages/xtc.ts";
export type { SamplerStage } from "./stages.ts";
