// A slice of tokens through all stages, for the shards of one thread. All threads of a team run this at the same time and meet
// at the barriers between stages, because each stage needs what all shards computed in the one before.

import type { Slice } from "../ops/op.ts";
import type { Shard } from "./shard.ts";
import type { ShardCache } from "./shard-cache.ts";

/** A shard with its caches of the contexts that are evaluated. */
export interface Seat {
  readonly shard: Shard;
  /** One for each part of the slice. */
  readonly caches: readonly ShardCache[];
}

/**
 * Yields "barrier" where all threads have to meet, also behind the last stage, and "piece" where the work may be interrupted.
 * What shards show each other is valid only between barriers.
 */
export function* evaluateSlice(seats: readonly Seat[], slice: Slice): Generator<"piece" | "barrier", void, void> {
  const { stages, nStagesToLogits } = seats[0]!.shard;
  const nStages = slice.nLogitRows === 0 ? nStagesToLogits : stages.length;
  for (let stage = 0; stage < nStages; stage++) {
    for (const { shard, caches } of seats) {
      for (const step of shard.stages[stage]!) {
        const pieces = step(slice, caches);
        if (pieces !== undefined) yield* pieces;
      }
    }
    yield "barrier";
  }
}
