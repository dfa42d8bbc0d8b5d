// From lines to chunks. Where a run before has results, chunks are cut as they were then.

import { hash as hashOf } from "node:crypto";
import { Refusal } from "@ll/cli/frame";
import type { Chunk } from "../jobs/job-kind.ts";
import type { PlacedEntry } from "./entry.ts";

/** Of a chunk: what goes through the queue, and what is done anew if a worker dies. */
const MOST_CHUNK_BYTES = 1024 * 1024;

export interface CutOptions {
  /** Names of the results that are there. */
  readonly done: readonly string[];
  /** What results depend on besides the lines. */
  readonly fingerprint: string;
  /** Lines of the next chunk. */
  readonly chunkLines: () => number;
}

interface Part {
  readonly line: number;
  readonly json: string;
  readonly bytes: number;
}

/** @throws Refusal if results that are there are of other lines */
export async function* cutLines(
  entries: AsyncIterable<PlacedEntry>,
  { done, fingerprint, chunkLines }: CutOptions,
): AsyncGenerator<Chunk, void, undefined> {
  const doneAt = new Map(done.map((name) => [Number(name.split("-")[0]), name]));
  let parts: Part[] = [];
  let size = 0;
  let most = 0;
  let offset = 0;
  const flush = (): Chunk => {
    const chunk = chunkOf(parts, fingerprint);
    parts = [];
    size = 0;
    const name = doneAt.get(Number(chunk.name.split("-")[0]));
    if (name !== undefined && name !== chunk.name) {
      throw new Refusal(
        `${chunk.label}: what is kept of an earlier run is of other lines`,
        "Give the input of that run, or name another output",
      );
    }
    return { ...chunk, isDone: name !== undefined };
  };
  for await (const { entry, endOffset } of entries) {
    const kept = doneAt.get(entry.line);
    if (parts.length > 0 && kept !== undefined) yield flush();
    if (parts.length === 0) most = kept === undefined ? chunkLines() : Number(kept.split("-")[1]);
    const json = JSON.stringify(entry);
    parts.push({ line: entry.line, json, bytes: endOffset - offset });
    size += json.length;
    offset = endOffset;
    if (parts.length >= most || size >= MOST_CHUNK_BYTES) yield flush();
  }
  if (parts.length > 0) yield flush();
}

function chunkOf(parts: readonly Part[], fingerprint: string): Chunk {
  const [first, last] = [parts[0] as Part, parts.at(-1) as Part];
  const payload = `[${parts.map(({ json }) => json).join(",")}]`;
  const id = hashOf("sha256", `lines\0${fingerprint}\0${payload}`, "hex");
  const half = parts.length >> 1;
  return {
    id,
    name: `${String(first.line).padStart(12, "0")}-${parts.length}-${id.slice(0, 16)}`,
    label: first === last ? `line ${first.line}` : `lines ${first.line} to ${last.line}`,
    payload,
    units: parts.length,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    isDone: false,
    split:
      half === 0
        ? undefined
        : () => [parts.slice(0, half), parts.slice(half)].map((some) => chunkOf(some, fingerprint)),
  };
}
