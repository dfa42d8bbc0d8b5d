// Packs every matrix of a model as every type that is asked for, and measures what that did to it. Nothing is written.

import type { SourceTensor } from "@ll/bytes";
import { blockInfo, packRows, packStats, rowBytes, unpackRows } from "@ll/quant";
import { Refusal } from "../../errors.ts";
import { createErrorSum, type ErrorSum } from "./error-stats.ts";

/** Values in memory at a time: a few rows of the widest matrices. */
const PIECE_VALUES: number = 1024 * 1024;

export interface MeasuredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** One sum for each type whose blocks fit the rows. */
  readonly errors: ReadonlyMap<string, ErrorSum>;
}

/**
 * The matrices that quantisation would change.
 * @throws Refusal for a matrix that is quantised already: its errors are made, and cannot be seen any more
 */
export function matricesOf(tensors: readonly SourceTensor[]): SourceTensor[] {
  const matrices = tensors.filter(({ name, shape }) => name.endsWith("weight") && shape.length === 2);
  const packed = matrices.find(({ type }) => type !== "f32" && type !== "f16");
  if (packed !== undefined) {
    throw new Refusal(
      `${packed.name} is ${packed.type}: errors can only be measured against f16 or f32`,
      "take the file that this one was made from",
    );
  }
  return matrices;
}

/** True if rows of this tensor are whole blocks of `type`. */
export function fits({ shape }: SourceTensor, type: string): boolean {
  return (shape[1] as number) % blockInfo(type).blockValues === 0;
}

/** @param onValues told how many values of the tensor have been packed, once for every type */
export async function measureTensor(
  tensor: SourceTensor,
  types: readonly string[],
  onValues: (count: number) => void,
): Promise<MeasuredTensor> {
  const errors = new Map(types.filter((type) => fits(tensor, type)).map((type) => [type, createErrorSum()]));
  for await (const values of pieces(tensor)) {
    for (const [type, sum] of errors) {
      const packed = packRows(type, values);
      sum.add(values, unpackRows(type, packed), packStats(type, values, packed).histogram);
      onValues(values.length);
    }
  }
  return { name: tensor.name, shape: tensor.shape, errors };
}

/** The values of a tensor, a few whole rows at a time. */
async function* pieces(tensor: SourceTensor): AsyncGenerator<Float32Array, void, void> {
  const columns = tensor.shape[1] as number;
  const bytesPerRow = rowBytes(tensor.type, columns);
  const pieceBytes = Math.max(1, Math.floor(PIECE_VALUES / columns)) * bytesPerRow;
  for (let offset = 0; offset < tensor.byteLength; offset += pieceBytes) {
    const bytes = new Uint8Array(Math.min(pieceBytes, tensor.byteLength - offset));
    await tensor.read(offset, bytes);
    yield unpackRows(tensor.type, bytes);
  }
}
