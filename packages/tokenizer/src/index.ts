// Text to ids and back: byte-level BPE and SentencePiece, as the publisher of a model does it, or llama.cpp, or its build 803 of 2023.

export { isTokenizerModelError, TextTooLongError, TokenizerModelError } from "./errors.ts";
export { ggmlVocab, type VocabEntry } from "./ggml-vocab.ts";
export {
  assertGgufTokenizer,
  createGgufTokenizer,
  GGUF_ID_NAMES,
  type GgufTokenizer,
  VOCABULARY_KINDS,
  type VocabularyKind,
} from "./gguf-tokenizer.ts";
export { createHfTokenizer } from "./hf-tokenizer.ts";
export {
  type HfTokenizerFiles,
  type HfVocabulary,
  type HfVocabularyFacts,
  type HfVocabularyRules,
  hfVocabulary,
} from "./hf-vocabulary.ts";
export { createJsonTokenizer } from "./json-tokenizer.ts";
export { readSentencePieceModel } from "./model-proto.ts";
export type {
  NormalizerOptions,
  PieceType,
  SentencePiece,
  SentencePieceModel,
  TrainerFacts,
} from "./sentencepiece-model.ts";
export type { StreamDecoder } from "./stream-decoder.ts";
export type { Texts } from "./texts.ts";
export {
  createTokenizer,
  type DecodeOptions,
  type EncodeOptions,
  type SpecialTokens,
  type Tokenizer,
  type TokenizerOptions,
} from "./tokenizer.ts";
