// Model file in, model file out.

export { isWorkerError, WorkerError } from "@ll/bytes";
export { type GgufConversion, type GgufOutType, writeConversion } from "./conversion.ts";
export {
  type Container,
  type ConvertInput,
  convertCheckpoint,
  convertedBytes,
  type OutType,
  usualOutType,
} from "./convert-checkpoint.ts";
export { ConvertError, isConvertError } from "./errors.ts";
export type { LostValues, ModelEvent, ModelTotals, TensorStep, WorkOptions } from "./events.ts";
export { planGgufCopy } from "./gguf-convert.ts";
export { type HfConversionInput, planHf } from "./hf-convert.ts";
export { type HfVocabulary, modelNameOf, type PackedTexts } from "./hf-metadata.ts";
export { chosenImportance, type Importance, type ImportanceEntry, openImportance } from "./importance.ts";
export { type ImportanceInput, importanceFileBytes, type MeasuredInputs, writeImportance } from "./importance-write.ts";
export {
  contentsOfGgml,
  contentsOfGguf,
  type GgmlUnstored,
  type LlamaConfig,
  type ModelContents,
  type TokenRules,
} from "./model-contents.ts";
export { type ModelParams, type UnstoredParams, unstoredParams } from "./model-params.ts";
export { type GgufQuantization, type GgufTarget, planGguf, quantizeGguf } from "./quantize-gguf.ts";
export { type QuantizeOptions, type QuantizeTarget, quantizedBytes, quantizeModel } from "./quantize-model.ts";
export { type VocabFileInput, vocabFileBytes, writeVocabFile } from "./vocab-file.ts";
export { PieceTypes, type VocabPiece } from "./vocab-pieces.ts";
export { matchVocabulary, sentencePieces, type Vocabulary } from "./vocabulary.ts";
