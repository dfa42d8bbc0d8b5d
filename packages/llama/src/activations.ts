// Scratch memory of one evaluation. Every array is overwritten by every slice of tokens.

import { derivedSizes, type ModelConfig } from "./config.ts";

export interface Activations {
  /** Rows there is room for. */
  readonly nRows: number;
  readonly x: Float32Array; // (nRows, nEmbd): residual stream
  readonly xb: Float32Array; // (nRows, nEmbd): normalised x, then what goes back into the stream
  readonly q: Float32Array; // (nRows, nHeads, headDim)
  readonly k: Float32Array; // (nRows, nKvHeads, headDim)
  readonly v: Float32Array; // (nRows, nKvHeads, headDim)
  readonly att: Float32Array; // (nRows, nHeads, headDim): attention output
  readonly gate: Float32Array; // (nRows, nFf)
  readonly up: Float32Array; // (nRows, nFf)
  readonly scores: Float32Array; // (contextTokens): one query against all keys
  readonly cos: Float32Array; // (nRows, headDim / 2)
  readonly sin: Float32Array; // (nRows, headDim / 2)
}

export function createActivations(config: ModelConfig, contextTokens: number, nRows: number): Activations {
  const { headDim, kvDim } = derivedSizes(config);
  const rows = (columns: number): Float32Array => new Float32Array(nRows * columns);
  return {
    nRows,
    x: rows(config.nEmbd),
    xb: rows(config.nEmbd),
    q: rows(config.nEmbd),
    k: rows(kvDim),
    v: rows(kvDim),
    att: rows(config.nEmbd),
    gate: rows(config.nFf),
    up: rows(config.nFf),
    scores: new Float32Array(contextTokens),
    cos: rows(headDim / 2),
    sin: rows(headDim / 2),
  };
}

/** Row `i` of a (rows, columns) array; a view. */
export function rowOf(array: Float32Array, i: number, columns: number): Float32Array {
  return array.subarray(i * columns, (i + 1) * columns);
}
