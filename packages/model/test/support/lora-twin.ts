// What a patched tensor must hold, computed element by element without regard to time and memory.

import type { SourceTensor } from "@ll/bytes";
import { packRows, unpackRows } from "@ll/quant";
import { randomValues } from "../../../llama/test/support/hand-made.ts";
import type { LoraPair } from "../../src/index.ts";

/** A tensor over values in memory. */
function f32Tensor(name: string, shape: readonly number[], values: Float32Array): SourceTensor {
  const bytes = new Uint8Array(values.buffer);
  return {
    name,
    type: "f32",
    shape,
    byteLength: bytes.length,
    async read(offset, target) {
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

/** A pair for a matrix of this shape, random unless `value` says what element i of which half is. */
export function pairFor(
  target: string,
  [rows, columns]: readonly [rows: number, columns: number],
  rank: number,
  value?: (i: number, name: string) => number,
): LoraPair {
  const half = (name: string, length: number, seed: number): SourceTensor => {
    const values = randomValues(seed + rows + columns, length * rank);
    return f32Tensor(name, [length, rank], value === undefined ? values : values.map((_, i) => value(i, name)));
  };
  return { target, a: half(`${target}.loraA`, columns, 1000), b: half(`${target}.loraB`, rows, 2000) };
}

/** All bytes of a tensor, read in pieces of `pieceBytes`. */
export async function readAll(tensor: SourceTensor, pieceBytes = tensor.byteLength): Promise<Uint8Array> {
  const bytes = new Uint8Array(tensor.byteLength);
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    await tensor.read(offset, bytes.subarray(offset, offset + pieceBytes));
  }
  return bytes;
}

/** The bytes that `model` has after `pair` was added to `original`. */
export async function patchedPlainly(
  model: SourceTensor,
  original: SourceTensor,
  pair: LoraPair,
  r: number,
  alpha: number,
): Promise<Uint8Array> {
  const [a, b] = [await floatsOf(pair.a), await floatsOf(pair.b)];
  const rank = pair.a.shape[1]!;
  const columns = model.shape.at(-1)!;
  const values = unpackRows(original.type, await readAll(original));
  const sums = values.map((w, i) => {
    const [y, x] = [Math.floor(i / columns), i % columns];
    let dot = 0;
    for (let k = 0; k < rank; k++) dot += Math.fround(a[x * rank + k]! * b[y * rank + k]!);
    return w + Math.fround(Math.fround(dot) * Math.fround(alpha / r));
  });
  return packRows(model.type, unpackRows(original.type, packRows(original.type, sums)));
}

async function floatsOf(tensor: SourceTensor): Promise<Float32Array> {
  return new Float32Array((await readAll(tensor)).buffer);
}
