// Where the WebAssembly kernels keep keys and values (asm/kv-head.ts), and how much they need to work (asm/attention.ts,
// asm/attention-lanes.ts).

import { assertAttentionShape } from "./guards.ts";
import type { AttentionKernels, AttentionShape } from "./kernels.ts";
import type { WasmExports } from "./wasm-exports.ts";

const HEADER_BYTES = 64;
const TILE = 32; // positions
const CHUNK = 32; // rows of queries that are worked on together
const WEIGHTS_AND_BLOCK_BYTES = 1024 + 256;
const LANES_STATE_BYTES = 512 + 256 + 64;
const NO_WINDOW = 0x7fffffff;

/** @param exp16 pointer to (65536) binary32; undefined for the arithmetic `lanes` */
export function wasmAttention(
  exports: WasmExports,
  exp16: number | undefined,
  shape: AttentionShape,
): AttentionKernels {
  assertAttentionShape(shape);
  const { kvType, headDim, headsPerKvHead, contextTokens } = shape;
  const elementBytes = kvType === "f16" ? 2 : 4;
  const channels = 8 * Math.ceil(headDim / 8);
  const paddedTokens = TILE * Math.ceil(contextTokens / TILE);
  const isLanes = exp16 === undefined;
  const lanes = kvType === "f16" ? exports.attend_f16_lanes : exports.attend_f32_lanes;
  const build803 = kvType === "f16" ? exports.attend_f16 : exports.attend_f32;
  const attend = isLanes ? lanes : build803;
  const tables = isLanes ? [] : [exp16];
  return {
    shape,
    headBytes: HEADER_BYTES + paddedTokens * (headDim + channels) * elementBytes,
    workBytes(nTokens) {
      if (isLanes) return 3 * CHUNK * channels * 4 + LANES_STATE_BYTES;
      const nRows = Math.min(CHUNK, nTokens * headsPerKvHead);
      return 3 * CHUNK * channels * 8 + WEIGHTS_AND_BLOCK_BYTES + nRows * paddedTokens * 4;
    },
    clear(head) {
      exports.clear_head(head);
    },
    store(head, keys, values, nPast, n, rowStride) {
      exports.store_positions(elementBytes, head, keys, values, nPast, n, headDim, contextTokens, rowStride);
    },
    attend(head, q, out, work, nPast, n, qStride, outStride, { scale, window = NO_WINDOW, softCap = 0, sinks = 0 }) {
      // biome-ignore format: the parameters of asm/attention.ts, line by line
      attend(
        head, q, out, work, ...tables,
        nPast, n, headsPerKvHead, headDim, contextTokens, qStride, outStride, scale, window, softCap, sinks,
      );
    },
    readKeys(head, out, n, rowStride) {
      exports.read_keys(elementBytes, head, out, n, headDim, rowStride);
    },
    writeKeys(head, src, n, rowStride) {
      exports.write_keys(elementBytes, head, src, n, headDim, rowStride);
    },
    readValues(head, out, n) {
      exports.read_values(elementBytes, head, out, n, headDim, contextTokens);
    },
    writeValues(head, src, n) {
      exports.write_values(elementBytes, head, src, n, headDim, contextTokens);
    },
  };
}
