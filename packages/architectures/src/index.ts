// @ll/architectures: what a model is, as data.

export type { Architecture, Hyper, KeyReader } from "./architecture.ts";
export type { RopeHyper } from "./families/common.ts";
export { ARCHITECTURES } from "./families/index.ts";
export { llama } from "./families/llama.ts";
export { type FeedForwardSizes, feedForwardFactor, feedForwardSize, findMult } from "./feed-forward-size.ts";
export { FILE_TYPES, type FileType, fileType, fileTypeLabel, fileTypeOf, LAST_GGML_FILE_TYPE } from "./file-types.ts";
export { GgufKeys, type GgufPlainValue, type MetadataGetter, type RefuseKey } from "./gguf-keys.ts";
export {
  type Activation,
  type AddOp,
  type AnglesOp,
  type AttendOp,
  type AttendOptions,
  type Axis,
  type ConvolveOp,
  type CutOp,
  type DeltaNetOp,
  type EmbedOp,
  type ExpertsOp,
  factorsOf,
  type GateOp,
  type GatherOp,
  type Graph,
  type KvCacheShape,
  type L2NormOp,
  type LogitOptions,
  type LogitsOp,
  lastUses,
  type MixOp,
  type NormOp,
  type Op,
  type Product,
  type ProjectOp,
  type RopeOp,
  type RopePairing,
  type RopeSettings,
  type RouteOp,
  type Routing,
  type ScaleOp,
  type SelectOp,
  type SliceOp,
  type StateShape,
  type Value,
  type Weight,
} from "./graph.ts";
export { GraphBuilder } from "./graph-builder.ts";
export type { AttendSpec, DeltaNetSpec, FactorsSpec, Layer, ProductSpec, TensorLookup } from "./graph-specs.ts";
export {
  type HfChange,
  type HfConfig,
  type HfFamily,
  HfKeys,
  type HfMadeTensor,
  type HfOrder,
  type HfPart,
  type HfTokenizerRules,
  type HfValue,
  hfParts,
} from "./hf.ts";
export { LLAMA_NAMES, metaName, type NameRow, roleOfMetaName } from "./names.ts";
export { type PlannedModel, plannedWeights } from "./planned-weights.ts";
export { metaTensors } from "./tensors.ts";
export { unreadKeys } from "./unread-keys.ts";
