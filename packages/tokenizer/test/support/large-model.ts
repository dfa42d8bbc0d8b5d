// The largest tokenizer.model that is read, and smaller ones of the same kind.

import { MAX_PIECES } from "../../src/limits.ts";

/** A BPE model without byte pieces: `<unk>`, then texts of three bytes, each with a score. 12 bytes a piece. */
export function largeModel(nPieces: number = MAX_PIECES): Uint8Array {
  const trainer = [0x12, 2, 0x18, 2]; // trainer_spec { model_type: BPE }
  const file = new Uint8Array(nPieces * 12 + 4 + trainer.length);
  const view = new DataView(file.buffer);
  let length = 0;
  const write = (...bytes: number[]): void => {
    file.set(bytes, length);
    length += bytes.length;
  };
  // | pieces, bytes | piece, bytes, text | type: unknown |
  write(0x0a, 9, 0x0a, 5, ...new TextEncoder().encode("<unk>"), 0x18, 2);
  for (let id = 1; id < nPieces; id++) {
    // | pieces, bytes | piece, bytes, text | score |; a text is a number in the base 127 with the digits 0x01 to 0x7f
    write(0x0a, 10, 0x0a, 3, 1 + (id % 127), 1 + (Math.floor(id / 127) % 127), 1 + Math.floor(id / 127 ** 2), 0x15);
    view.setFloat32(length, -id, true);
    length += 4;
  }
  write(...trainer);
  return file.subarray(0, length);
}
