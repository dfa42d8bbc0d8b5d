// The WebAssembly module that packs for GGUF files, whose fits take longer and are others than build 803's. It is apart from that of the
// kernels (index.ts), since only who quantises needs it. The host gives one memory and all addresses; nothing is allocated here.
//
// A function packs `nBlocks` blocks of binary32 values at `src` to `dst`. `importance` is (rowBytes / 4) binary32 numbers, for every row the
// same, or 0; only with it need blocks be those of whole rows.

export { initialize } from "./vectors";
export { pack_q2_K, pack_q3_K, pack_q4_K, pack_q5_K, pack_q6_K } from "./gguf-pack-k";
export { pack_q4_0, pack_q4_1, pack_q5_0, pack_q5_1 } from "./gguf-pack-32";
export { initializeIq4, pack_iq4_nl, pack_iq4_xs } from "./gguf-pack-iq4";
export { logBounds, pack_mxfp4 } from "./gguf-pack-mxfp4";
