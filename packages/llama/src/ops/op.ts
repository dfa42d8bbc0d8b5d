// What an operation is to the engines.

import type { Op, Value, Weight } from "@ll/architectures";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import type { Pace } from "../pace.ts";
import type { KvCache } from "../scalar/kv-cache.ts";
import type { Tensor } from "../weights.ts";

/** One kind of operation, for both engines: each of them computes the same bits. */
export interface OpKind<O extends Op> {
  /** As it reads best. */
  scalar(op: O, run: ScalarRun): void | Promise<void>;
}

/** A slice of tokens on its way through the operations, in the scalar engine. */
export interface ScalarRun {
  readonly arithmetic: Arithmetic;
  readonly tokens: Int32Array; // (n)
  /** Position of the first token. */
  readonly position: number;
  readonly cache: KvCache;
  readonly scores: Float32Array; // (contextTokens): scratch, one query against all keys
  readonly pace: Pace;
  /** Build 803 mistook whose query is whose in batches over an f32 cache; true repeats that. */
  readonly mixUpQueries: boolean;
  /** Rows of a value: all tokens, or those whose logits are wanted. */
  nRows(value: Value): number;
  rows(value: Value): Float32Array; // (nRows, width)
  tensor(weight: Weight): Tensor;
  /** Of a weight that is plain numbers. */
  numbers(weight: Weight): Float32Array; // (n)
  readonly logits: Float32Array; // (wanted rows, nVocab)
  readonly embedding: Float32Array; // (nEmbd)
}

/** Row `i` of a (rows, columns) array; a view. */
export function rowOf(array: Float32Array, i: number, columns: number): Float32Array {
  return array.subarray(i * columns, (i + 1) * columns);
}
