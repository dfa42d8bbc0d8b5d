// The steps of the transformer between the matrix products, on a WebAssembly memory, bit-identical to the scalar engine.

export { type AttentionKernels, type AttentionShape, LLAMA_SCRATCH_BYTES, type LlamaKernels } from "./kernels.ts";
export { bindLlamaKernels, loadLlamaKernels } from "./load-kernels.ts";
