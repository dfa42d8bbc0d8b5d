// Chunks of a list that is known from the start: windows of a text, files.

import { createHash } from "node:crypto";
import { Refusal } from "@ll/cli/frame";
import type { Chunk } from "./job-kind.ts";

export interface ListOptions<T> {
  /** First part of ids: `perplexity`. */
  readonly kind: string;
  readonly fingerprint: string;
  /** Names of the results that are there. */
  readonly done: readonly string[];
  /** Items of the next chunk. */
  readonly size: () => number;
  /** Of one item, in words: `window`. */
  readonly unit: string;
  /** Of an item, as a worker gets it. */
  readonly payload: (item: T) => unknown;
  readonly bytes: (item: T) => number;
  /** False for a result whose file is gone. */
  readonly isKept?: (items: readonly T[]) => boolean;
}

/** @throws Refusal if results that are there are of others */
export async function* cutList<T>(
  items: readonly T[],
  options: ListOptions<T>,
): AsyncGenerator<Chunk, void, undefined> {
  const { kind, fingerprint, done, size, unit, bytes, isKept = () => true } = options;
  const doneAt = new Map(done.map((name) => [Number(name.split("-")[0]), name]));
  for (let start = 0; start < items.length; ) {
    const kept = doneAt.get(start);
    const next = [...doneAt.keys()].filter((at) => at > start).reduce((a, b) => Math.min(a, b), items.length);
    const units = kept === undefined ? Math.min(size(), next - start) : Number(kept.split("-")[1]);
    const some = items.slice(start, start + units);
    const payload = JSON.stringify(some.map(options.payload));
    const id = createHash("sha256").update(`${kind}\0${fingerprint}\0${payload}`).digest("hex");
    const name = `${String(start).padStart(12, "0")}-${units}-${id.slice(0, 16)}`;
    const label = units === 1 ? `${unit} ${start + 1}` : `${unit}s ${start + 1} to ${start + units}`;
    if (kept !== undefined && kept !== name) {
      throw new Refusal(`${label}: what is kept of an earlier run is of other ${unit}s`, "Remove its folder");
    }
    yield {
      ...{ id, name, label, payload, units },
      bytes: some.reduce((sum, item) => sum + bytes(item), 0),
      isDone: kept !== undefined && isKept(some),
    };
    start += units;
  }
}
