// The WebAssembly module of the kernels. The host gives the memory and all addresses; nothing is allocated here.
//
// Numbers are as build 803 of llama.cpp computes them in its portable build: every operation rounds to binary32 unless it is
// said to be binary64, sums run in index order, nothing is fused. Names that end with _lanes are of the arithmetic `lanes`. Each
// function has a twin in TypeScript.

export { initialize } from "./vectors";
export {
  addInto, cap, clamped_swiglu, geglu, multiply, scale, sigmoid_gate, slice, swiglu, swiglu_lanes,
} from "./element-wise";
export { mix } from "./mix";
export { deltaNet, l2Norm } from "./delta-net";
export { convolve } from "./convolve";
export { rms_norm, rms_norm_lanes } from "./rms-norm";
export { rope, rope_halves } from "./rope";
export { copy_blocks, store_blocks } from "./kv-blocks";
export { clear_head, copy_keys, copy_values, store_keys, store_values } from "./kv-head";
export { attend_f16, attend_f32 } from "./attention";
export { attend_lanes } from "./attention-lanes";
