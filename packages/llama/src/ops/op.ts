// What an operation is to the engines: one file beside this for each kind, with both of its twins.

import type { Op, Value, Weight } from "@ll/architectures";
import type { Kernels } from "@ll/quant";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import type { StateCopies } from "../context-memory.ts";
import type { LlamaKernels } from "../kernels/kernels.ts";
import type { Pace, Pieces } from "../pace.ts";
import type { KvCache } from "../scalar/kv-cache.ts";
import type { Exchange } from "../team/exchange.ts";
import type { Range } from "../team/ranges.ts";
import type { ShardCache } from "../team/shard-cache.ts";
import type { ShardMemory } from "../team/shard-memory.ts";
import type { Tensor } from "../weights.ts";

/** One kind of operation. Both engines compute the same bits. */
export interface OpKind<O extends Op> {
  /** What the scalar engine does, as it reads best. */
  scalar(op: O, run: ScalarRun): void | Promise<void>;
  /**
   * What a shard of the fast engine does, its addresses looked up once. At a "barrier" all shards meet: every shard has the same
   * number of them, also one that owns nothing of the operation's values.
   */
  bind(op: O, shard: ShardBinding): readonly (Step | "barrier")[];
  /** What the operation's matrices are multiplied with; absent for one without any. */
  matrixInput?(op: O): MatrixInput;
  /** Bytes that `bind` wants for itself while the operation runs. */
  scratchBytes?(op: O, sizes: ScratchSizes): number;
}

/** The rows that meet matrices. */
export interface MatrixInput {
  /** Whole. */
  readonly x: Value;
  /** All of them meet every row, or that of a row's expert does. */
  readonly weights: readonly Weight[];
  /** Of an operation on experts: (2 · nUsed). */
  readonly route?: Value;
}

/** A slice of tokens on its way through the operations, in the scalar engine. */
export interface ScalarRun {
  readonly arithmetic: Arithmetic;
  readonly tokens: Int32Array; // (n)
  readonly parts: readonly ScalarPart[];
  readonly pace: Pace;
  /** Rows of a value: all tokens, or those whose logits are wanted. */
  nRows(value: Value): number;
  rows(value: Value): Float32Array; // (nRows, width)
  tensor(weight: Weight): Tensor;
  /** Of a weight that is plain numbers. @param expert default 0 */
  numbers(weight: Weight, expert?: number): Float32Array; // (n)
  readonly logits: Float32Array; // (wanted rows, nVocab)
  readonly embeddings: Float32Array; // (wanted rows, nEmbd)
}

/** A part of a slice and the context that it is of, in the scalar engine. */
export interface ScalarPart extends SlicePart {
  readonly cache: KvCache;
  /** Positions that the context has room for. */
  readonly contextTokens: number;
  /** As `Graph.states`. */
  readonly states: readonly ScalarState[];
  /** Build 803 mistook whose query is whose in batches over an f32 cache; true repeats that. */
  readonly mixUpQueries: boolean;
}

/** A recurrent layer's state in front of a slice, and behind it; they may be the same array. */
export interface ScalarState {
  readonly before: Float32Array; // (units of the axis · unitLength)
  readonly after: Float32Array; // the same
}

/** Tokens of one context or of several, on their way through the operations together. */
export interface Slice {
  readonly tokens: Int32Array; // (n), at most sliceTokens
  /** One for each context: its tokens side by side, in order. */
  readonly parts: readonly SlicePart[];
  /** Rows of logits wanted, of all parts. */
  readonly nLogitRows: number;
}

/** The tokens of one context in a slice. */
export interface SlicePart {
  /** Which of the slice's tokens is the first. */
  readonly first: number;
  readonly n: number;
  /** Position of the first. */
  readonly position: number;
  /** Rows of logits wanted, of the last tokens. */
  readonly nLogitRows: number;
  /** Of recurrent states. */
  readonly copies: StateCopies;
}

/** Work on a slice, with the caches of its parts. */
export type Step =
  | ((slice: Slice, caches: readonly ShardCache[]) => void)
  | ((slice: Slice, caches: readonly ShardCache[]) => Pieces);

/** What an operation is bound to. Addresses are in bytes. */
export interface ShardBinding {
  readonly kernels: Kernels;
  readonly llama: LlamaKernels;
  readonly memory: ShardMemory;
  /** What all shards see. */
  readonly exchange: Exchange;
  readonly sliceTokens: number;
  /** The shard that shows what every shard has. */
  readonly isFirst: boolean;
  value(value: Value): PlacedValue;
  weight(weight: Weight): PlacedWeight;
  /** Start of the operation's `scratchBytes`. */
  readonly scratch: number;
}

/** (n, own columns) binary32 numbers in a shard's memory. */
export interface PlacedValue {
  readonly address: number;
  readonly columns: Range;
  /** Number of own columns. */
  readonly width: number;
}

/** A shard's part of a weight. */
export interface PlacedWeight {
  /** Of the tensor, in its source. */
  readonly name: string;
  readonly type: string;
  readonly form: Weight["form"];
  /** Own rows, or own numbers. */
  readonly rows: Range;
  /** The first of them in the tensor, or in that of the first expert. */
  readonly tensorRow: number;
  readonly nExperts: number;
  /** From one expert to the next, in rows of the tensor. */
  readonly expertRows: number;
  /** The same in bytes here. */
  readonly expertBytes: number;
  /** Length of a row; 1 for plain numbers. */
  readonly columns: number;
  /** Where the own rows of the first expert are: repacked, if it is a matrix, and as they are in the file otherwise. */
  readonly address: number;
  /** Of one expert. */
  readonly bytes: number;
}

/** What `scratchBytes` reckons with. */
export interface ScratchSizes {
  readonly sliceTokens: number;
  typeOf(weight: Weight): string;
  /** Whether rows that are looked up are those of a matrix, which is repacked. */
  isRepacked(weight: Weight): boolean;
  /** Bytes of a repacked matrix. */
  weightBytes(type: string, nRows: number, rowValues: number): number;
  /** Bytes of packed vectors. */
  activationBytes(type: string, nVectors: number, rowValues: number): number;
}

/** Row `i` of a (rows, columns) array; a view. */
export function rowOf(array: Float32Array, i: number, columns: number): Float32Array {
  return array.subarray(i * columns, (i + 1) * columns);
}

/** The rows of a part in a (rows, columns) array of a value with a row for each token; a view. */
export function rowsOfPart(array: Float32Array, { first, n }: SlicePart, columns: number): Float32Array {
  return array.subarray(first * columns, (first + n) * columns);
}

/** Rows of a value in a slice. */
export function nRowsOf({ rows, perToken }: Value, { tokens, nLogitRows }: Slice): number {
  return perToken * (rows === "wanted" ? nLogitRows : tokens.length);
}
