// A text through a model in chunks, to see what its matrices are multiplied with.

import type { AbortSignal } from "@ll/bytes";
import type { KvTypes } from "./kv-type.ts";
import { assertIndex, type InputSums, type Model } from "./model.ts";

/** A chunk was evaluated. */
export interface ChunkMeasuredEvent {
  readonly kind: "chunk-measured";
  readonly done: number;
  readonly total: number;
}

export interface MeasureInputsOptions {
  /** Tokens of a chunk, each of which begins anew. Default 512. */
  readonly chunkTokens?: number | undefined;
  /** At most so many chunks. Default: all that the text fills. */
  readonly maxChunks?: number | undefined;
  /** Put in the place of the first token of each chunk. */
  readonly bos?: number | undefined;
  /** Most tokens of one evaluation: the logits of all are computed. Default 512. */
  readonly batchTokens?: number | undefined;
  readonly kvType?: KvTypes | undefined;
  readonly onEvent?: ((event: ChunkMeasuredEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Evaluates a text and tells what met the matrices of `model`, which was loaded with `sumInputs`, since it was loaded. What does not fill a
 * chunk is left out.
 * @param tokens (n)
 * @returns by the names of tensors in GGUF files
 * @throws RangeError for a text that fills no chunk, TypeError for a model that adds up nothing; the signal's reason
 */
export async function measureInputs(
  model: Model,
  tokens: Int32Array,
  { chunkTokens = 512, maxChunks, bos, batchTokens = 512, kvType = "f16", onEvent, signal }: MeasureInputsOptions = {},
): Promise<ReadonlyMap<string, InputSums>> {
  if (model.inputSums === undefined) throw new TypeError('"model" expected one that was loaded with sumInputs');
  assertIndex("chunkTokens", chunkTokens, 1);
  assertIndex("batchTokens", batchTokens, 1);
  const available = Math.floor(tokens.length / chunkTokens);
  const total = Math.min(available, maxChunks ?? available);
  if (!(total >= 1)) {
    throw new RangeError(`"tokens" expected at least one chunk of ${chunkTokens}, got ${tokens.length}`);
  }
  const context = await model.createContext({ contextTokens: chunkTokens, kvType });
  try {
    for (let i = 0; i < total; i++) {
      const chunk = tokens.slice(i * chunkTokens, (i + 1) * chunkTokens);
      if (bos !== undefined) chunk[0] = bos;
      for (let first = 0; first < chunkTokens; first += batchTokens) {
        // all logits: the output matrix, too, meets every token
        await context.evaluate(chunk.subarray(first, first + batchTokens), first, { logits: "all", signal });
      }
      onEvent?.({ kind: "chunk-measured", done: i + 1, total });
    }
  } finally {
    await context.dispose();
  }
  return model.inputSums();
}
