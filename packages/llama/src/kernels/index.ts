// The steps of the transformer between the matrix products, on a WebAssembly memory, bit-identical to the scalar engine.

export {
  type AttentionKernels,
  type AttentionShape,
  type LlamaKernels,
  llamaScratchBytes,
  type ScoreRule,
} from "./kernels.ts";
export { bindLlamaKernels, loadLlamaKernels, testCacheKernels } from "./load-kernels.ts";
