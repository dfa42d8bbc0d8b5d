// What the shards of a team show each other: values of one slice of tokens and the words of the barrier, in one buffer that
// all threads see. Within a stage a shard writes only its own columns, so nothing needs a lock.

import type { Graph } from "@ll/architectures";
import { MemoryError } from "../errors.ts";
import { BARRIER_WORDS } from "./barrier.ts";

export interface Exchange {
  readonly buffer: ArrayBufferLike;
  readonly words: Int32Array; // (BARRIER_WORDS)
  /** Areas that values pass through in turn: one may still be read while the next value is written to the other. */
  readonly slots: readonly [Float32Array, Float32Array]; // (sliceTokens, widest value)
  readonly logits: Float32Array; // (logitRows, nVocab)
  /** The normalised vectors from which they came. */
  readonly embeddings: Float32Array; // (logitRows, nEmbd)
}

/**
 * @param isShared false for a team without workers, which needs no SharedArrayBuffer
 * @throws MemoryError
 */
export function createExchange(graph: Graph, sliceTokens: number, isShared: boolean): Exchange {
  const bytes = exchangeBytes(graph, sliceTokens);
  try {
    return exchangeOver(isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), graph, sliceTokens);
  } catch (cause) {
    throw new MemoryError("the activations", bytes, 0, cause);
  }
}

export function exchangeBytes(graph: Graph, sliceTokens: number): number {
  return 4 * (BARRIER_WORDS + lengths(graph, sliceTokens).reduce((sum, length) => sum + length, 0));
}

/** The same in another thread. */
export function exchangeOver(buffer: ArrayBufferLike, graph: Graph, sliceTokens: number): Exchange {
  let end = 4 * BARRIER_WORDS;
  const [first, second, logits, embeddings] = lengths(graph, sliceTokens).map((length) => {
    const array = new Float32Array(buffer, end, length);
    end += array.byteLength;
    return array;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return { buffer, words: new Int32Array(buffer, 0, BARRIER_WORDS), slots: [first, second], logits, embeddings };
}

/** Bytes of the logits of a slice, unless a few rows take more: those of a whole slice may be a sixth of a small model. */
const LOGIT_BYTES = 16 * 1024 * 1024;

const LEAST_LOGIT_ROWS = 32;

/** Most rows of logits of a slice. */
export function logitRows({ ops }: Graph, sliceTokens: number): number {
  const nVocab = Math.max(1, ...ops.map((op) => (op.kind === "logits" ? op.weight.shape[0]! : 1)));
  return Math.min(sliceTokens, Math.max(LEAST_LOGIT_ROWS, Math.floor(LOGIT_BYTES / (4 * nVocab))));
}

function lengths(graph: Graph, sliceTokens: number): number[] {
  const widths = [0, 0, 0, 0]; // of both areas, the logits and the embedding vectors
  for (const op of graph.ops) {
    if (op.kind === "gather" || op.kind === "embed")
      widths[op.slot] = Math.max(widths[op.slot]!, op.out.perToken * op.out.width);
    if (op.kind === "logits") [widths[2], widths[3]] = [op.weight.shape[0]!, op.x.width];
  }
  const nRows = logitRows(graph, sliceTokens);
  return widths.map((width, i) => width * (i < 2 ? sliceTokens : nRows));
}
