// Text to ids and back, as LLaMA models expect it: SentencePiece BPE over bytes, as llama.cpp build 803 does it or as SentencePiece does.

export { isTokenizerModelError, TextTooLongError, TokenizerModelError } from "./errors.ts";
export { ggmlVocab, type VocabEntry } from "./ggml-vocab.ts";
export { type GgufTokenizerModel, type GgufVocab, modelFromGgufVocab } from "./gguf-vocab.ts";
export { readSentencePieceModel } from "./model-proto.ts";
export type {
  NormalizerOptions,
  PieceType,
  SentencePiece,
  SentencePieceModel,
  TrainerFacts,
} from "./sentencepiece-model.ts";
export type { StreamDecoder } from "./stream-decoder.ts";
export { createTokenizer, type EncodeOptions, type SpecialTokens, type Tokenizer } from "./tokenizer.ts";
