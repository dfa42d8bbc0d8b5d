// Where things are in a ggml, ggmf or ggjt model file, and how to write one.

export type { SourceTensor } from "@ll/bytes";
export { decodeF16, encodeF16, type FileTensor as GgmlTensor, f16ToF32, f32ToF16, tensorChunks } from "@ll/bytes";
export { type Container, GGJT_MAGIC, GGMF_MAGIC, GGML_MAGIC } from "./container.ts";
export { GgmlFormatError, isGgmlFormatError } from "./errors.ts";
export { type GgmlPlan, ggmlFileBytes, type PlannedTensor } from "./file-plan.ts";
export { HYPER_PARAM_NAMES, type HyperParams } from "./hyper-params.ts";
export { checkLlamaTensors, type LlamaTensorShape, llamaTensorShapes, modelSizeLabel } from "./llama-tensors.ts";
export { type LoraFile, type LoraPair, type OpenLoraOptions, openLora } from "./lora.ts";
export { createLoraWriter, type LoraPlan, loraFileBytes } from "./lora-write.ts";
export { type GgmlFile, type OpenGgmlOptions, openGgml } from "./read.ts";
export { type TensorType, tensorBytes, tensorType, tensorTypeById } from "./tensor-type.ts";
export type { VocabEntry } from "./vocab-section.ts";
export { createGgmlWriter, type GgmlWriter } from "./write.ts";
