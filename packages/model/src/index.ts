// @ll/model: what a model file is, and the files beside it: adapters and sessions.

export { containerOf, type ModelContainer, TRAINED_CONTEXT_TOKENS } from "./container.ts";
export { ggufTokenizer, unreadTokenizerKeys } from "./gguf-tokenizer.ts";
export { type LoraAdapter, type LoraPair, type TensorPatchedEvent, type WithLoraOptions, withLora } from "./lora.ts";
export { loraFromGguf } from "./lora-gguf.ts";
export type { ChatTemplates, FileTensor, ModelFile, Pooling, SamplingFacts, VocabularyFacts } from "./model-file.ts";
export { type TypeShare, typeMix } from "./model-file.ts";
export { openAdapter } from "./open-adapter.ts";
export { type ModelInput, type OpenModelFileOptions, openModelFile } from "./open-model-file.ts";
export {
  matchSession,
  readSession,
  restoreSession,
  type Session,
  type SessionMatch,
  type SessionShape,
  sessionFileBytes,
  writeSession,
} from "./session.ts";
