// What the bytes of a weight mean: packing, unpacking and multiplying block-quantised rows, bit for bit as build 803 of
// llama.cpp does in its portable build.

export { decodeF16, encodeF16, f16ToF32, f32ToF16 } from "@ll/bytes";
export type { BlockType, NameIn } from "./block-format.ts";
export { BLOCK_TYPES, type BlockInfo, blockInfo, rowBytes } from "./block-types.ts";
export { type CheckOrigin, checkRows, valueLimit } from "./check-rows.ts";
export { QuantizationError, WeightError } from "./errors.ts";
export { type FileType, FTYPES } from "./ftypes.ts";
export type { GgufModelFacts } from "./gguf-pack/gguf-mixes.ts";
export {
  type GgufPlannedTensor,
  type GgufPlanOptions,
  ggufFileTypes,
  inGgufOrder,
  planGgufQuantization,
  type TensorTypeRule,
} from "./gguf-pack/gguf-plan.ts";
export { canPackGguf, knowsImportance, packGgufRows, packsAlike } from "./gguf-pack/gguf-rows.ts";
export {
  bindGgufPackers,
  type GgufPackerSet,
  type GgufPackers,
  type GgufPackKernel,
  loadGgufPackers,
  PACKER_SCRATCH_BYTES,
  type PlacedImportance,
} from "./gguf-pack/packers.ts";
export {
  assertMemorySpan,
  bindKernels,
  type CountKernel,
  compileKernels,
  createRowReader,
  GROUP_ROWS,
  KERNEL_NAMES,
  KERNEL_TIERS,
  type KernelName,
  type KernelProducts,
  type KernelSet,
  type Kernels,
  type KernelTier,
  LOWEST_POINTER,
  loadKernels,
  type MatrixKernels,
  type PackKernel,
  type PackSource,
  rowReaderBytes,
  SCRATCH_BYTES,
  type WasmMemory,
} from "./kernels/index.ts";
export { laneSum } from "./lane-sums.ts";
export { type PackStats, packStats, toolHistogram } from "./pack-stats.ts";
export { type PlannedTensor, type PlanOptions, type PlanTensor, planQuantization } from "./quantization-plan.ts";
export { ARITHMETIC_NAMES, type ArithmeticName, dot, dotValues, packActivation, packRows, unpackRows } from "./rows.ts";
