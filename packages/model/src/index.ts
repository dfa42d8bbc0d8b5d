// @ll/model: what a model file is.

export { containerOf, type ModelContainer, TRAINED_CONTEXT_TOKENS } from "./container.ts";
export { ggufTokenizer, unreadTokenizerKeys } from "./gguf-tokenizer.ts";
export type { ChatTemplates, FileTensor, ModelFile, Pooling, SamplingFacts, VocabularyFacts } from "./model-file.ts";
export { openAdapter } from "./open-adapter.ts";
export { type ModelInput, type OpenModelFileOptions, openModelFile } from "./open-model-file.ts";
export { type TypeShare, typeMix } from "./type-mix.ts";
