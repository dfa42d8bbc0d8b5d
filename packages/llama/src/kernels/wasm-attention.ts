// Where the WebAssembly kernels keep keys and values (asm/kv-head.ts, asm/kv-blocks.ts), and how much they need to work
// (asm/attention.ts, asm/attention-lanes.ts, asm/attention-blocks.ts).

import { BLOCK_CHANNELS, isOfBuild803, type KvType, keysAndValues, kvRowBytes } from "../kv-type.ts";
import { assertIndex } from "../model.ts";
import type { AttentionKernels, AttentionShape, WasmExports } from "./kernels.ts";

const HEADER_BYTES = 64;
const TILE = 32; // positions
const CHUNK = 32; // rows of queries that are worked on together
const WEIGHTS_AND_BLOCK_BYTES = 1024 + 256;
const LANES_STATE_BYTES = 512 + 256 + 64;
/** A tile's levels and scales of 32 channels. */
const BLOCK_BYTES = 1024 + 64;
/** Levels and scales of a block of each query of a chunk. */
const QUERY_BLOCK_BYTES = CHUNK * (64 + 4);
const BLOCK_STATE_BYTES = 512 + 256 + 64 + 128;
const NO_WINDOW = 0x7fffffff;

/** By the numbers that asm/attention-sums.ts gives them. */
const TYPE_NUMBERS: Readonly<Record<KvType, number>> = { f16: 0, f32: 1, q8_0: 2 };

/**
 * @param exp16 pointer to (65536) binary32; undefined for the arithmetic `lanes`
 * @throws RangeError unless sizes are counts, and `headDim` is even; TypeError for an unknown type of keys or values
 */
export function wasmAttention(
  exports: WasmExports,
  exp16: number | undefined,
  shape: AttentionShape,
): AttentionKernels {
  const { kvType, headDim, headsPerKvHead, contextTokens } = shape;
  for (const [name, value] of Object.entries({ headDim, headsPerKvHead, contextTokens })) assertIndex(name, value, 1);
  if (headDim % 2 !== 0) throw new RangeError(`"headDim" expected an even number, got ${headDim}`);
  const { k, v } = keysAndValues(kvType);
  const channels = 8 * Math.ceil(headDim / 8);
  const nBlocks = Math.ceil(headDim / BLOCK_CHANNELS);
  const nTiles = Math.ceil(contextTokens / TILE);
  const tileBytes = (type: KvType, n: number): number => {
    return type === "q8_0" ? nBlocks * BLOCK_BYTES : TILE * kvRowBytes(type, n);
  };
  const keyRegionBytes = nTiles * tileBytes(k, headDim);
  const valuesOf = (head: number): number => head + HEADER_BYTES + keyRegionBytes;
  const build803 = exp16 !== undefined && isOfBuild803(kvType) ? { exp16 } : undefined;
  const attendInDouble = k === "f16" ? exports.attend_f16 : exports.attend_f32;

  const copyKeys = (isWrite: 0 | 1, head: number, at: number, n: number): void => {
    if (k === "q8_0") exports.copy_blocks(isWrite, 1, head + HEADER_BYTES, at, n, headDim);
    else exports.copy_keys(isWrite, kvRowBytes(k, 1), head, at, n, headDim);
  };
  const copyValues = (isWrite: 0 | 1, head: number, at: number, n: number): void => {
    if (v === "q8_0") exports.copy_blocks(isWrite, 0, valuesOf(head), at, n, headDim);
    else exports.copy_values(isWrite, kvRowBytes(v, 1), head, valuesOf(head), at, n, headDim);
  };
  return {
    shape,
    headBytes: HEADER_BYTES + keyRegionBytes + nTiles * tileBytes(v, channels),
    keyBytes: kvRowBytes(k, headDim),
    valueBytes: kvRowBytes(v, headDim),
    workBytes(nTokens) {
      if (build803 === undefined) {
        return 3 * CHUNK * channels * 4 + LANES_STATE_BYTES + nBlocks * QUERY_BLOCK_BYTES + BLOCK_STATE_BYTES;
      }
      const nRows = Math.min(CHUNK, nTokens * headsPerKvHead);
      return 3 * CHUNK * channels * 8 + WEIGHTS_AND_BLOCK_BYTES + nRows * TILE * nTiles * 4;
    },
    clear(head) {
      exports.clear_head(head);
    },
    store(head, keys, values, nPast, n, rowStride) {
      if (k === "q8_0") exports.store_blocks(1, head + HEADER_BYTES, keys, nPast, n, headDim, rowStride);
      else exports.store_keys(kvRowBytes(k, 1), head, keys, nPast, n, headDim, rowStride);
      const region = valuesOf(head);
      if (v === "q8_0") exports.store_blocks(0, region, values, nPast, n, headDim, rowStride);
      else exports.store_values(kvRowBytes(v, 1), head, region, values, nPast, n, headDim, rowStride);
    },
    attend(head, q, out, work, nPast, n, qStride, outStride, { scale, window = NO_WINDOW, softCap = 0, sinks = 0 }) {
      const rest = [nPast, n, headsPerKvHead, headDim, qStride, outStride, scale, window, softCap, sinks];
      if (build803 !== undefined) attendInDouble(head, valuesOf(head), q, out, work, build803.exp16, ...rest);
      else exports.attend_lanes(TYPE_NUMBERS[k], TYPE_NUMBERS[v], head, valuesOf(head), q, out, work, ...rest);
    },
    readKeys: (head, out, n) => copyKeys(0, head, out, n),
    writeKeys: (head, src, n) => copyKeys(1, head, src, n),
    readValues: (head, out, n) => copyValues(0, head, out, n),
    writeValues: (head, src, n) => copyValues(1, head, src, n),
  };
}
