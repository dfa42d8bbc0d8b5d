// The WebAssembly module of the kernels. Built twice from the same sources: with plain SIMD, and with relaxed SIMD.
// The host gives one memory and all addresses; nothing is allocated here.
//
// Numbers are as build 803 of llama.cpp computes them in its portable build: every operation rounds to binary32 unless
// said otherwise, blocks are added in order, nothing is fused. What the arithmetic `lanes` has otherwise is told to `initialize`,
// or is a function whose name ends with _lanes.
//
// No function calls another: whatever is not exported is inlined (small functions are by the compiler's own choice). V8 cannot
// compile a call for the "wide" tier, which it compiles without having run it before: a check fails and ends the process
// (Node 26.10.0: "function_feedback != feedback.feedback_for_function.end()").

export { initialize } from "./vectors";
export { add_products } from "./products";
export {
  multiply_q4_0, multiply_q4_0_pairs, multiply_q4_1, multiply_q4_1_pairs, multiply_q5_0, multiply_q5_0_pairs, multiply_q5_1,
  multiply_q5_1_pairs,
} from "./nibble-types";
export { multiply_q8_0, multiply_q8_0_pairs } from "./q8_0";
export {
  multiply_iq4_nl, multiply_iq4_nl_pairs, multiply_iq4_xs, multiply_iq4_xs_pairs, multiply_mxfp4, multiply_mxfp4_pairs,
} from "./table-types";
export { multiply_stored, repack_stored } from "./stored-types";
export { multiply_q3_K, multiply_q4_K, multiply_q5_K, multiply_q6_K } from "./k-types";
export {
  multiply_q2_K, multiply_q3_K_lanes, multiply_q4_K_lanes, multiply_q5_K_lanes, multiply_q6_K_lanes,
} from "./k-sums";
export { multiply_bf16, multiply_f16, multiply_f32 } from "./float-types";
export {
  multiply_bf16_lanes, multiply_f16_lanes, multiply_f32_lanes, pack_activations_bf16_lanes, pack_activations_f16_lanes,
  pack_activations_f32_lanes, repack_bf16_lanes, repack_f16_lanes, repack_f32_lanes,
} from "./float-lanes";
export {
  pack_activations_bf16, pack_activations_f16, pack_activations_f32, pack_activations_iq4_xs,
  pack_activations_mxfp4, pack_activations_q2_K, pack_activations_q3_K, pack_activations_q4_0,
  pack_activations_q4_1, pack_activations_q4_K, pack_activations_q4_K_lanes, pack_activations_q5_0, pack_activations_q5_1,
  pack_activations_q6_K, pack_activations_q8_0,
} from "./activations";
export {
  repack_bf16, repack_f16, repack_f32, repack_iq4_xs, repack_mxfp4, repack_q4_0, repack_q4_1, repack_q5_0, repack_q5_1,
  repack_q8_0,
} from "./repack";
export { repack_q3_K, repack_q4_K, repack_q5_K, repack_q6_K } from "./repack-k";
export {
  repack_q2_K, repack_q3_K_lanes, repack_q4_K_lanes, repack_q5_K_lanes, repack_q6_K_lanes,
} from "./repack-k-sums";
export { pack_q4_0, pack_q4_1, pack_q5_0, pack_q5_1, pack_q8_0 } from "./pack";
export { pack_q2_K, pack_q3_K, pack_q4_K, pack_q5_K, pack_q6_K } from "./pack-k";
export { exceeds, pack_f16, pack_f32 } from "./pack-floats";
export { count_q4_0, count_q4_1, count_q5_0, count_q5_1, count_q8_0 } from "./level-counts";
