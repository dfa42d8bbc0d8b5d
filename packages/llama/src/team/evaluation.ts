// A slice of tokens through all layers, for the shards of one thread. All threads of a team run this at the same time and meet
// at the barriers: four in each layer, because each step needs what all shards computed in the one before.

import type { Shard, Slice } from "./shard.ts";
import type { ShardCache } from "./shard-cache.ts";

/** A shard with its cache of the context that is evaluated. */
export interface Seat {
  readonly shard: Shard;
  readonly cache: ShardCache;
}

/**
 * Yields "barrier" where all threads have to meet, also behind the last step, and "piece" where the work may be interrupted.
 * The residual stream, attention output and so on of the exchange are valid only between barriers.
 */
export function* evaluateSlice(
  seats: readonly Seat[],
  slice: Slice,
  nLayers: number,
): Generator<"piece" | "barrier", void, void> {
  for (const { shard } of seats) shard.embed(slice);
  yield "barrier";
  for (const { shard } of seats) shard.begin(slice);
  for (let layer = 0; layer < nLayers; layer++) {
    for (const { shard, cache } of seats) yield* shard.attention(layer, slice, cache);
    yield "barrier";
    for (const { shard } of seats) yield* shard.attentionOut(layer, slice);
    yield "barrier";
    for (const { shard } of seats) yield* shard.gateUp(layer, slice);
    yield "barrier";
    for (const { shard } of seats) yield* shard.down(layer, slice);
    yield "barrier";
  }
  if (slice.nLogitRows === 0) return;
  for (const { shard } of seats) yield* shard.logits(slice);
  yield "barrier";
}
