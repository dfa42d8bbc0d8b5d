// Tensors that are made while they are read: converted, rearranged or put together unit by unit.
// A unit is the smallest thing that can be made on its own: an element, a block or a row.

import { allocate, assertSpan, type SourceTensor } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { PIECE_BYTES, ROW_BYTES } from "./limits.ts";

export interface UnitTensorFields {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Divides `byteLength`. */
  readonly unitBytes: number;
  /** Most bytes that `produce` is asked for at once, if more than one unit; `PIECE_BYTES` if absent. */
  readonly pieceBytes?: number;
  /** Fills `target`, whose length is `nUnits · unitBytes`. */
  readonly produce: (firstUnit: number, nUnits: number, target: Uint8Array) => Promise<void>;
}

/** @throws `E_LIMIT` if one unit is larger than `ROW_BYTES`, since a unit must fit in memory. */
export function unitTensor(fields: UnitTensorFields): SourceTensor {
  const { name, type, shape, byteLength, unitBytes, produce } = fields;
  if (unitBytes > ROW_BYTES) {
    throw new CheckpointError({
      code: "E_LIMIT",
      field: name,
      expected: `at most ${ROW_BYTES} bytes`,
      got: unitBytes,
      message: `a row of tensor "${name}" is too long to be rearranged`,
    });
  }
  const unitsPerPiece = Math.max(1, Math.floor((fields.pieceBytes ?? PIECE_BYTES) / unitBytes));

  /** Bytes `start … start + target.byteLength` of one unit. */
  async function readInUnit(unit: number, start: number, target: Uint8Array): Promise<void> {
    const whole = allocate(name, () => new Uint8Array(unitBytes));
    await produce(unit, 1, whole);
    target.set(whole.subarray(start, start + target.byteLength));
  }

  async function read(offset: number, target: Uint8Array): Promise<void> {
    assertSpan(offset, target.byteLength, byteLength);
    let done = 0;
    while (done < target.byteLength) {
      const unit = Math.floor((offset + done) / unitBytes);
      const start = offset + done - unit * unitBytes;
      const left = target.byteLength - done;
      if (start > 0 || left < unitBytes) {
        const part = target.subarray(done, done + Math.min(left, unitBytes - start));
        await readInUnit(unit, start, part);
        done += part.byteLength;
      } else {
        const nUnits = Math.min(unitsPerPiece, Math.floor(left / unitBytes));
        const piece = target.subarray(done, done + nUnits * unitBytes);
        await produce(unit, nUnits, piece);
        done += piece.byteLength;
      }
    }
  }
  return { name, type, shape, byteLength, read };
}
