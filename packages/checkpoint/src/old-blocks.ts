// Quantised blocks of ggml files before container version 2, read as f32. 32 values make a block:
//   q4_0_v1, 20 bytes: | d: f32 | 16 bytes |             value = d · (q − 8)
//   q4_1_v1, 24 bytes: | d: f32 | m: f32 | 16 bytes |    value = d · q + m
// Byte k of the 16 holds value 2·k in its low nibble and 2·k + 1 in its high one. (convert.py of llama.cpp build 803)

import type { SourceTensor } from "@ll/bytes";
import { unitTensor } from "./unit-tensor.ts";

const BLOCK_VALUES = 32;

/** Bytes before the nibbles. */
const HEAD_BYTES: ReadonlyMap<string, number> = new Map([
  ["q4_0_v1", 4],
  ["q4_1_v1", 8],
]);

export function isOldBlockType(type: string): boolean {
  return HEAD_BYTES.has(type);
}

/** The same tensors, with every one of an old block type replaced by an f32 view. */
export function dequantizeOld(tensors: ReadonlyMap<string, SourceTensor>): ReadonlyMap<string, SourceTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const headBytes = HEAD_BYTES.get(tensor.type);
      return [name, headBytes === undefined ? tensor : dequantizeOldBlocks(tensor, headBytes)];
    }),
  );
}

/** The reader of the file has checked that the blocks are there. */
function dequantizeOldBlocks(tensor: SourceTensor, headBytes: number): SourceTensor {
  const blockBytes = headBytes + BLOCK_VALUES / 2;
  const nBlocks = tensor.byteLength / blockBytes;
  const hasAddend = headBytes === 8;
  return unitTensor({
    name: tensor.name,
    type: "f32",
    shape: tensor.shape,
    byteLength: nBlocks * BLOCK_VALUES * 4,
    unitBytes: BLOCK_VALUES * 4,
    async produce(firstBlock, n, target) {
      const blocks = new Uint8Array(n * blockBytes);
      await tensor.read(firstBlock * blockBytes, blocks);
      const view = new DataView(blocks.buffer);
      const values = new Float32Array(n * BLOCK_VALUES);
      for (let b = 0; b < n; b++) {
        const start = b * blockBytes;
        const d = view.getFloat32(start, true);
        const m = hasAddend ? view.getFloat32(start + 4, true) : 0;
        for (let i = 0; i < BLOCK_VALUES; i++) {
          const byte = blocks[start + headBytes + Math.floor(i / 2)] as number;
          const q = i % 2 === 0 ? byte & 15 : byte >>> 4;
          values[b * BLOCK_VALUES + i] = hasAddend ? Math.fround(d * q) + m : d * (q - 8);
        }
      }
      target.set(new Uint8Array(values.buffer));
    },
  });
}
