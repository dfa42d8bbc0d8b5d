// What the matrices of a model are multiplied with: for each column of a matrix the sum of the squares of what met it. llama.cpp's
// llama-imatrix (August 2026) measures the same. Both engines add here, every number by itself: in double, in the order of the tokens,
// so that sums depend neither on slices nor on threads or kernels.

import type { Graph, Op } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { InputSums } from "./model.ts";
import { opKind } from "./ops/index.ts";
import type { MatrixInput } from "./ops/op.ts";
import { cutEvenly, type Range, sizeOf } from "./team/ranges.ts";

/** Sums of one operation's input. */
interface Place {
  readonly input: MatrixInput;
  /** Those of the input that are added here. */
  readonly columns: Range;
  readonly squares: Float64Array; // (nMatrices, own columns)
  readonly counts: Float64Array; // (nMatrices)
}

/** Adds up what meets the matrices: all columns, or the share of one of several shards. */
export class InputCounter {
  /** Squares, then counts of each operation, one operation after the other: what `joinInputSums` takes. */
  readonly numbers: Float64Array;
  readonly #places: ReadonlyMap<Op, Place>;

  /** @throws IoError `E_NOMEM` */
  constructor(graph: Graph, shard = 0, nShards = 1) {
    const lengths = inputsOf(graph).map(({ input, nMatrices }) => {
      return nMatrices * (1 + sizeOf(ownColumns(input, shard, nShards)));
    });
    const length = lengths.reduce((sum, n) => sum + n, 0);
    this.numbers = allocate("the sums of what meets the matrices", () => new Float64Array(length));
    this.#places = new Map(placesIn(this.numbers, graph, shard, nShards));
  }

  /** Undefined for an operation without matrices. */
  input(op: Op): MatrixInput | undefined {
    return this.#places.get(op)?.input;
  }

  /**
   * Adds what meets the matrices of `op`, which has some.
   * @param rows all columns of its input, (n, width)
   * @param choice of an operation on experts, (tokens, 2 · nUsed): their numbers, and then their weights
   */
  add(op: Op, rows: Float32Array, choice: Float32Array | undefined): void {
    const { input, columns, squares, counts } = this.#places.get(op)!;
    const { width, perToken } = input.x;
    const nOwn = sizeOf(columns);
    const addRow = (matrix: number, row: number): void => {
      counts[matrix]!++;
      for (let c = 0, to = matrix * nOwn, from = row * width + columns.start; c < nOwn; c++) {
        const x = rows[from + c]!;
        squares[to + c] = squares[to + c]! + x * x;
      }
    };
    if (input.route === undefined || choice === undefined) {
      for (let row = 0; row < rows.length / width; row++) addRow(0, row);
      return;
    }
    const nUsed = input.route.width / 2;
    for (let row = 0; row < choice.length / 2; row++) {
      const token = Math.floor(row / nUsed);
      addRow(choice[token * 2 * nUsed + (row % nUsed)]!, perToken === 1 ? token : row);
    }
  }
}

/** The sums of all shards together, by the names of tensors in GGUF files. @param shards `numbers` of each, in their order */
export function joinInputSums(graph: Graph, shards: readonly Float64Array[]): Map<string, InputSums> {
  const sums = new Map<string, InputSums>();
  for (const [shard, numbers] of shards.entries()) {
    for (const [, { input, columns, squares, counts }] of placesIn(numbers, graph, shard, shards.length)) {
      const { width } = input.x;
      const nOwn = sizeOf(columns);
      for (const role of new Set(input.weights.map((weight) => weight.role))) {
        // one that two operations multiply has met what met both
        const sum = sums.get(role) ?? emptySums(counts.length, width);
        sums.set(role, sum);
        for (let matrix = 0; matrix < counts.length; matrix++) {
          // all shards have counted the same rows
          if (shard === 0) sum.counts[matrix] = sum.counts[matrix]! + counts[matrix]!;
          const at = matrix * width + columns.start;
          for (let c = 0; c < nOwn; c++) sum.squares[at + c] = sum.squares[at + c]! + squares[matrix * nOwn + c]!;
        }
      }
    }
  }
  return sums;
}

function emptySums(nMatrices: number, nColumns: number): InputSums {
  return { squares: new Float64Array(nMatrices * nColumns), counts: new Float64Array(nMatrices) };
}

function inputsOf({ ops }: Graph): { readonly op: Op; readonly input: MatrixInput; readonly nMatrices: number }[] {
  return ops.flatMap((op) => {
    const input = opKind(op).matrixInput?.(op);
    return input === undefined ? [] : [{ op, input, nMatrices: input.weights[0]?.nExperts ?? 1 }];
  });
}

function ownColumns({ x }: MatrixInput, shard: number, nShards: number): Range {
  return cutEvenly(x.width, nShards, 1)[shard]!;
}

/** Views of the numbers of one shard. */
function* placesIn(numbers: Float64Array, graph: Graph, shard: number, nShards: number): Generator<[Op, Place]> {
  let end = 0;
  const take = (length: number): Float64Array => {
    end += length;
    return numbers.subarray(end - length, end);
  };
  for (const { op, input, nMatrices } of inputsOf(graph)) {
    const columns = ownColumns(input, shard, nShards);
    yield [op, { input, columns, squares: take(nMatrices * sizeOf(columns)), counts: take(nMatrices) }];
  }
}
