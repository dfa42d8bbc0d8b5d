// Where things are in a GGUF file, and how to write one.

export type { FileTensor as GgufTensor, SourceTensor } from "@ll/bytes";
export { GgufFormatError, isGgufFormatError } from "./errors.ts";
export { type GgufPlan, ggufFileBytes, type PlannedTensor } from "./file-plan.ts";
export { decodeText, GgufArray, type ItemArrays, type NestedArray, type PackedTexts } from "./gguf-array.ts";
export { GGUF_MAGIC } from "./header.ts";
export {
  type GgufMetadata,
  GgufText,
  type GgufValue,
  type MetadataGetter,
  metadataGetter,
  type PlainValue,
} from "./metadata.ts";
export { type GgufContents, type GgufFile, type OpenGgufOptions, openGguf } from "./read.ts";
export { type GgufSet, openGgufSet } from "./split-set.ts";
export { type TensorType, tensorBytes, tensorType, tensorTypeById } from "./tensor-type.ts";
export type { WritableArray, WritableText, WritableValue } from "./value-bytes.ts";
export type { BigType, NumberType, ValueTypeName } from "./value-type.ts";
export { createGgufWriter, type GgufWriter } from "./write.ts";
