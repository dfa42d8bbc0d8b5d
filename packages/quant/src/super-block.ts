// What the K types have in common: a super-block of 256 values in 16 groups of 16. Each type knows how to load one of its
// blocks into a `SuperBlock`; unpacking and the dot product start from there.

import type { BlockFormat } from "./block-format.ts";
import { Q8_K_BYTES, Q8_K_LEVELS_OFFSET, Q8_K_SUMS_OFFSET } from "./q8_K.ts";
import { readF32, readI8, readI16 } from "./unaligned.ts";

/** Values per super-block. */
export const QK_K = 256;

/** value i = (d · scales[i / 16]) · levels[i] - dmin · mins[i / 16] */
export interface SuperBlock {
  d: number;
  dmin: number;
  readonly scales: Int8Array; // (16)
  readonly mins: Int8Array; // (16)
  readonly levels: Int8Array; // (256)
}

/** Fills `block` from the bytes at `offset`. Types without minimums leave `dmin` and `mins` alone, which are then 0. */
export type LoadSuperBlock = (bytes: Uint8Array, offset: number, block: SuperBlock) => void;

/** Zeros: each type keeps one as working memory. */
export function emptySuperBlock(): SuperBlock {
  return { d: 0, dmin: 0, scales: new Int8Array(16), mins: new Int8Array(16), levels: new Int8Array(QK_K) };
}

/** Unpacks `bytes` (nBlocks * blockBytes) into `out` (nBlocks * 256). */
export function unpackSuperBlocks(
  bytes: Uint8Array,
  blockBytes: number,
  out: Float32Array,
  load: LoadSuperBlock,
  block: SuperBlock,
): void {
  for (let o = 0, v = 0; o < bytes.length; o += blockBytes, v += QK_K) {
    load(bytes, o, block);
    for (let group = 0; group < 16; group++) {
      const scale = Math.fround(block.d * block.scales[group]!);
      const min = Math.fround(block.dmin * block.mins[group]!);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        out[v + i] = Math.fround(scale * block.levels[i]!) - min;
      }
    }
  }
}

const laneSums = new Int32Array(8); // (8): lane l sums the products of a super-block whose index is l modulo 8
const rowSums = new Float32Array(8); // (8): the same, scaled, over the whole row

/**
 * Dot product of a row of Q3_K, Q4_K, Q5_K or Q6_K with a Q8_K row, as build 803 does it. Lanes are exact integers within a super-block; the
 * minimums of all super-blocks are taken off first, then the lanes are added in order.
 */
export function dotInLanes(
  weights: Uint8Array,
  blockBytes: number,
  activations: Uint8Array,
  load: LoadSuperBlock,
  block: SuperBlock,
): number {
  let sum = 0;
  rowSums.fill(0);
  for (let o = 0, a = 0; o < weights.length; o += blockBytes, a += Q8_K_BYTES) {
    load(weights, o, block);
    addToLanes(block, activations, a + Q8_K_LEVELS_OFFSET);
    const dy = readF32(activations, a);
    const d = Math.fround(block.d * dy);
    for (let l = 0; l < 8; l++) rowSums[l] = rowSums[l]! + Math.fround(d * laneSums[l]!);
    const dmin = Math.fround(block.dmin * dy);
    sum = Math.fround(sum - Math.fround(dmin * sumOfMins(block, activations, a)));
  }
  for (let l = 0; l < 8; l++) sum = Math.fround(sum + rowSums[l]!);
  return sum;
}

/** Sets `laneSums` to Σ scale · level · activation. At most 2^24 per lane, so that a lane is exact in binary32 as well. */
function addToLanes(block: SuperBlock, activations: Uint8Array, start: number): void {
  const { scales, levels } = block;
  for (let l = 0; l < 8; l++) laneSums[l] = 0;
  for (let group = 0; group < 16; group++) {
    const scale = scales[group]!;
    for (let l = 0, i = 16 * group; l < 8; l++, i++) {
      const first = levels[i]! * readI8(activations, start + i);
      const second = levels[i + 8]! * readI8(activations, start + i + 8);
      laneSums[l] = laneSums[l]! + scale * (first + second);
    }
  }
}

/** Σ scale · level · activation, for the Q8_K block at `offset`; an exact integer of at most 2^28. */
function sumOfProducts({ scales, levels }: SuperBlock, activations: Uint8Array, offset: number): number {
  const start = offset + Q8_K_LEVELS_OFFSET;
  let sum = 0;
  for (let group = 0; group < 16; group++) {
    let groupSum = 0;
    for (let i = 16 * group; i < 16 * group + 16; i++) {
      groupSum = (groupSum + levels[i]! * readI8(activations, start + i)) | 0;
    }
    sum = (sum + scales[group]! * groupSum) | 0;
  }
  return sum;
}

/** Σ minimum · sum of the group's activations, for the Q8_K block at `offset`; an integer below 2^24. */
function sumOfMins(block: SuperBlock, activations: Uint8Array, offset: number): number {
  const { mins } = block;
  let sum = 0;
  for (let group = 0; group < 16; group++) {
    sum = (sum + mins[group]! * readI16(activations, offset + Q8_K_SUMS_OFFSET + 2 * group)) | 0;
  }
  return sum;
}

/**
 * Dot product of a row with a Q8_K row as build 803 does that of Q2_K, and as the arithmetic `lanes` does it for every type: an exact
 * integer for the levels of a super-block and one for its minimums; each is rounded once and scaled, and their difference is added.
 */
export function dotInSums(
  weights: Uint8Array,
  blockBytes: number,
  activations: Uint8Array,
  load: LoadSuperBlock,
  block: SuperBlock,
): number {
  let sum = 0;
  for (let o = 0, a = 0; o < weights.length; o += blockBytes, a += Q8_K_BYTES) {
    load(weights, o, block);
    const dy = readF32(activations, a);
    const products = Math.fround(sumOfProducts(block, activations, a));
    const positive = Math.fround(Math.fround(dy * block.d) * products);
    const negative = Math.fround(Math.fround(dy * block.dmin) * sumOfMins(block, activations, a));
    sum = Math.fround(sum + Math.fround(positive - negative));
  }
  return sum;
}

/** A type without minimums that build 803 does not know and that is read, not packed. */
export function superBlockFormat(
  type: BlockFormat["type"],
  blockBytes: number,
  f16Fields: readonly number[],
  load: LoadSuperBlock,
  scatteredScale?: BlockFormat["scatteredScale"],
): BlockFormat {
  const block = emptySuperBlock();
  return {
    type,
    blockValues: QK_K,
    blockBytes,
    activationType: "q8_K",
    floatFields: { f16: f16Fields, f32: [] },
    ...(scatteredScale === undefined ? {} : { scatteredScale }),
    unpack: (bytes, out) => unpackSuperBlocks(bytes, blockBytes, out, load, block),
    dot: (weights, activations) => dotInSums(weights, blockBytes, activations, load, block),
  };
}
