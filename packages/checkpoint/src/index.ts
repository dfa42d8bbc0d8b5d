// Checkpoints of LLaMA models, read tensor by tensor over byte sources: for any platform. Files on disk: see ./node.

export type { SourceTensor, TensorSource } from "@ll/bytes";
export { asType, type CastType } from "./cast.ts";
export {
  assembleCheckpoint,
  type Checkpoint,
  type CheckpointFiles,
  type CheckpointFormat,
  type CheckpointWarning,
  type VocabEntry,
} from "./checkpoint.ts";
export type { DeclaredParams } from "./declared-params.ts";
export { CheckpointError, isCheckpointError } from "./errors.ts";
export { checkpointFromGgml, type GgmlModelFile, type GgmlPart } from "./ggml-checkpoint.ts";
export { type HfFiles, type HfModel, openHfModel } from "./hf-model.ts";
export { type JsonObject, type JsonTree, readJsonObject } from "./json-tree.ts";
export { type Llama2cCheckpoint, openLlama2c, readLlama2cTokenizer } from "./llama2c.ts";
export type { FolderFile, ModelFolder } from "./model-folder.ts";
export {
  type CheckpointEvent,
  type FolderHfModel,
  type FolderOptions,
  type OpenFiles,
  openFolderCheckpoint,
  openFolderHf,
} from "./open-folder.ts";
export type { CheckpointParams } from "./params.ts";
export { readPickle } from "./pickle.ts";
export type { PickleOptions } from "./pickle-machine.ts";
export type { PickleValue } from "./pickle-values.ts";
export { openSafetensors, type SafetensorsFile } from "./safetensors.ts";
export type { CheckpointPart } from "./shards.ts";
export { concatRows } from "./tensor-views.ts";
export { readAddedTokens } from "./tokenizer-config.ts";
export { readTokenizerFiles, TOKENIZER_FILES, type TokenizerFiles } from "./tokenizer-files.ts";
export {
  type Archive,
  type ArchiveMember,
  openTorchCheckpoint,
  type TorchCheckpoint,
  type ZipArchive,
} from "./torch-checkpoint.ts";
export { unitTensor } from "./unit-tensor.ts";
