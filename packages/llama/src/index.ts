// @ll/llama: ids to logits to text.

export { type MetadataGetter, unreadKeys } from "@ll/architectures";
export type { SourceTensor, TensorLocation, TensorSource } from "@ll/bytes";
export { isWorkerError, WorkerError } from "@ll/bytes";
export {
  assertConfig,
  BUILD_803,
  type ConfigOverrides,
  configFromGgml,
  type GgmlHyperParams,
  type ModelConfig,
} from "./config.ts";
export { assertNoState, type ReturnOptions, returnTo } from "./context-memory.ts";
export type { DraftCounts, Drafter, DraftOptions } from "./drafts.ts";
export { createDrafter, DEFAULT_DRAFT_TOKENS, MAX_DRAFT_TOKENS } from "./drafts.ts";
export {
  BatchItemError,
  ContextOverflowError,
  isModelError,
  isSessionError,
  MemoryError,
  ModelError,
  SessionError,
  StatePositionError,
} from "./errors.ts";
export { Fnv1a, fingerprintOf } from "./fingerprint.ts";
export { type DraftsEvent, type GeneratedToken, type GenerateOptions, generate } from "./generate.ts";
export {
  createGenerator,
  type PendingReport,
  type TokenGenerator,
  type TokenGeneratorOptions,
  type TokenSampler,
} from "./generator.ts";
export { configFromGguf, type GgufConfig } from "./gguf-config.ts";
export { KV_TYPES, type KvType, type KvTypes, kvCacheBytes, kvTypeName } from "./kv-type.ts";
export { type ChunkMeasuredEvent, type MeasureInputsOptions, measureInputs } from "./measure-inputs.ts";
export type { BatchItem, Context, ContextMemory, ContextOptions, EvaluateOptions, InputSums, Model } from "./model.ts";
export { createScalarModel, type ScalarModelOptions } from "./scalar/model.ts";
export {
  type LoadModelEvent,
  type LoadModelOptions,
  loadModel,
  type TeamModel,
  type WeightsLoadedEvent,
  type WorkersFailedEvent,
} from "./team/load-model.ts";
export { type ModelMemory, type ModelMemoryOptions, modelMemory } from "./team/model-memory.ts";
export { createTextStream, type TextStream } from "./text-stream.ts";
export {
  checkTensors,
  expectedTensors,
  type LoadOptions,
  loadWeights,
  type Tensor,
  type TensorLoadedEvent,
  type Weights,
} from "./weights.ts";
