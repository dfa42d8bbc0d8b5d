// Writing importance of weights as a GGUF file; importance.ts draws it.

import { type ByteSink, printable } from "@ll/bytes";
import { createGgufWriter, type GgufPlan, ggufFileBytes, type WritableValue } from "@ll/gguf";
import { ConvertError } from "./errors.ts";
import { COUNT_ENDING, SUM_ENDING } from "./importance.ts";

/** What met the matrices of one tensor: `InputSums` of @ll/llama is one. */
export interface MeasuredInputs {
  /** Σ x² of each column. */
  readonly squares: ArrayLike<number>; // (nMatrices, nColumns)
  /** Rows that met each matrix. */
  readonly counts: ArrayLike<number>; // (nMatrices)
}

/** A measurement. */
export interface ImportanceInput {
  /** By the name of the tensor, such as `blk.0.attn_q.weight`; they are written in the order of their names. */
  readonly entries: ReadonlyMap<string, MeasuredInputs>;
  /** Names of the texts that it was measured with. */
  readonly datasets: readonly string[];
  /** Pieces of those texts, and tokens of a piece. */
  readonly nChunks: number;
  readonly chunkTokens: number;
}

/** Exact size of the file in bytes. @throws as `writeImportance` before it writes */
export function importanceFileBytes(input: ImportanceInput): number {
  return ggufFileBytes(planOf(input));
}

/**
 * Writes the file that `openImportance` reads, and llama.cpp, too. A matrix that nothing met has sums and a count of zero: readers give all
 * of its columns the same importance.
 * @throws ConvertError `E_NUMBER` for a sum that binary32 does not hold, before anything is written; RangeError for names that a GGUF file
 * cannot have; what the sink throws
 */
export async function writeImportance(input: ImportanceInput, sink: ByteSink): Promise<void> {
  const sorted = sortedEntries(input);
  for (const [name, { squares, counts }] of sorted) {
    for (const numbers of [squares, counts]) assertNumbers(name, numbers);
  }
  const writer = await createGgufWriter(sink, planOf(input));
  for (const [name, { squares, counts }] of sorted) {
    await writer.writeTensor(name + SUM_ENDING, [f32Bytes(squares)]);
    await writer.writeTensor(name + COUNT_ENDING, [f32Bytes(counts)]);
  }
  await writer.finish();
}

function planOf(input: ImportanceInput): GgufPlan {
  const u32 = (value: number): WritableValue => ({ type: "u32", value });
  return {
    metadata: new Map<string, WritableValue>([
      ["general.type", { type: "string", value: "imatrix" }],
      ["imatrix.datasets", { type: "array", itemType: "string", items: [...input.datasets] }],
      ["imatrix.chunk_count", u32(input.nChunks)],
      ["imatrix.chunk_size", u32(input.chunkTokens)],
    ]),
    tensors: sortedEntries(input).flatMap(([name, { squares, counts }]) => {
      const nMatrices = counts.length;
      return [
        { name: name + SUM_ENDING, type: "f32", shape: [nMatrices, squares.length / nMatrices] },
        { name: name + COUNT_ENDING, type: "f32", shape: [nMatrices, 1] },
      ];
    }),
  };
}

/** By the characters of their names, as llama.cpp sorts them. */
function sortedEntries({ entries }: ImportanceInput): [string, MeasuredInputs][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function assertNumbers(name: string, numbers: ArrayLike<number>): void {
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isFinite(Math.fround(numbers[i] as number))) continue;
    throw new ConvertError({
      code: "E_NUMBER",
      field: name,
      expected: "finite numbers",
      got: String(numbers[i]),
      message: `what meets '${printable(name)}' adds up to ${numbers[i]}`,
      hint: "the weights are damaged, or this model computes numbers beyond binary32",
    });
  }
}

function f32Bytes(numbers: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(numbers).buffer);
}
