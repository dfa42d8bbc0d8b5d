// How many units a chunk has, until one is measured and from then on. Kept for the next run, so that it cuts as this one did.

import type { Chunk } from "./job-kind.ts";
import type { Results } from "./results.ts";

/** What a chunk should take: long beside the steps of a queue, short beside what a dying worker may cost. */
const CHUNK_MS = 60_000;
const MOST_UNITS = 256;
const FIRST_UNITS = 16;
const NOTE = "chunk-units";

export interface ChunkSize {
  readonly units: number;
  /** A chunk was done in so much time. */
  measured(chunk: Chunk, ms: number): void;
}

/** @param asked the size, if somebody wants to say it */
export function createChunkSize(results: Results, asked: number | undefined): ChunkSize {
  let units = asked ?? (Number(results.notes[NOTE]) || FIRST_UNITS);
  let isKnown = asked !== undefined || results.notes[NOTE] !== undefined;
  return {
    get units() {
      return units;
    },
    measured(chunk, ms) {
      if (isKnown || chunk.isDone) return;
      isKnown = true;
      units = Math.min(MOST_UNITS, Math.max(1, Math.round((CHUNK_MS * chunk.units) / Math.max(1, ms))));
      results.note(NOTE, String(units)).catch(() => undefined); // the next run measures for itself
    },
  };
}
