// Fast matrix products on a WebAssembly memory, bit-identical to `dot`.

export { compileKernels } from "./compile-kernels.ts";
export {
  assertMemorySpan,
  type CountKernel,
  GROUP_ROWS,
  type KernelName,
  type KernelProducts,
  type KernelSet,
  type Kernels,
  type KernelTier,
  LOWEST_POINTER,
  type MatrixKernels,
  type PackKernel,
  type PackSource,
  SCRATCH_BYTES,
} from "./kernels.ts";
export { bindKernels, KERNEL_NAMES, KERNEL_TIERS, loadKernels } from "./load-kernels.ts";
export { createRowReader, rowReaderBytes } from "./row-reader.ts";
export type { WasmMemory } from "./web-assembly.ts";
