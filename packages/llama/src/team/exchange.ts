// What the shards of a team show each other: activations of one slice of tokens and the words of the barrier, in one buffer that
// all threads see. Within a step a shard writes only its own channels, so nothing needs a lock.

import type { ModelConfig } from "../config.ts";
import { BARRIER_WORDS } from "./barrier.ts";
import { MemoryError } from "./errors.ts";

export interface Exchange {
  readonly buffer: ArrayBufferLike;
  readonly words: Int32Array; // (BARRIER_WORDS)
  /** Residual stream. */
  readonly x: Float32Array; // (sliceTokens, nEmbd)
  /** Attention output of all heads. */
  readonly attended: Float32Array; // (sliceTokens, nEmbd)
  /** silu(gate) · up. */
  readonly gated: Float32Array; // (sliceTokens, nFf)
  readonly logits: Float32Array; // (sliceTokens, nVocab)
  /** The normalised vector from which the last logits came. */
  readonly embedding: Float32Array; // (nEmbd)
}

/**
 * @param isShared false for a team without workers, which needs no SharedArrayBuffer
 * @throws MemoryError
 */
export function createExchange(config: ModelConfig, sliceTokens: number, isShared: boolean): Exchange {
  const bytes = 4 * (BARRIER_WORDS + lengths(config, sliceTokens).reduce((sum, length) => sum + length, 0));
  try {
    return exchangeOver(isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes), config, sliceTokens);
  } catch (cause) {
    throw new MemoryError("the activations", bytes, 0, cause);
  }
}

/** The same in another thread. */
export function exchangeOver(buffer: ArrayBufferLike, config: ModelConfig, sliceTokens: number): Exchange {
  let end = 4 * BARRIER_WORDS;
  const [x, attended, gated, logits, embedding] = lengths(config, sliceTokens).map((length) => {
    const array = new Float32Array(buffer, end, length);
    end += array.byteLength;
    return array;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  return { buffer, words: new Int32Array(buffer, 0, BARRIER_WORDS), x, attended, gated, logits, embedding };
}

function lengths({ nEmbd, nFf, nVocab }: ModelConfig, sliceTokens: number): number[] {
  return [sliceTokens * nEmbd, sliceTokens * nEmbd, sliceTokens * nFf, sliceTokens * nVocab, nEmbd];
}
