// Long work, such as texts of any length to ids: the event loop turns meanwhile, so that signals and keys are heard.

import { setImmediate } from "node:timers/promises";
import type { EncodeOptions, Tokenizer } from "@ll/tokenizer";

/** The ids piece by piece. */
export async function* encodedPieces(
  tokenizer: Tokenizer,
  text: string | Uint8Array,
  options: EncodeOptions,
): AsyncGenerator<Int32Array, void, void> {
  for (const ids of tokenizer.encodeSlices(text, options)) {
    yield ids;
    await setImmediate();
  }
}

export async function encodeText(
  tokenizer: Tokenizer,
  text: string | Uint8Array,
  options: EncodeOptions = {},
): Promise<Int32Array> {
  const pieces: Int32Array[] = [];
  let length = 0;
  for await (const piece of encodedPieces(tokenizer, text, options)) {
    pieces.push(piece);
    length += piece.length;
  }
  if (pieces.length === 1) return pieces[0] as Int32Array;
  const ids = new Int32Array(length);
  let start = 0;
  for (const piece of pieces) {
    ids.set(piece, start);
    start += piece.length;
  }
  return ids;
}

/** Longest stretch of work between two turns of the event loop, if each step is short. */
const STRETCH_MS = 50;

/** A function to call between two steps: now and then it waits for a turn of the event loop. */
export function createPace(now: () => number = () => performance.now()): () => Promise<void> {
  let begun = now();
  return async () => {
    if (now() - begun < STRETCH_MS) return;
    await setImmediate();
    begun = now();
  };
}
