// Text of tokens, up to a stop text: whole characters, and nothing that may yet become one.

import { heldBack } from "./format/output-part.ts";

export interface StopText {
  /** What is certain with these bytes; `isStopped` if a stop text was found, of which nothing is shown. */
  push(bytes: Uint8Array): { readonly text: string; readonly isStopped: boolean };
  /** What was held back, half a character as U+FFFD. */
  end(): string;
}

export function createStopText(given: readonly string[]): StopText {
  const stop = given.filter((text) => text !== "");
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = "";
  return {
    push(bytes) {
      held += decoder.decode(bytes, { stream: true });
      const found = firstEnd(held, stop);
      const n = found?.at ?? held.length - heldBack(held, stop);
      const text = held.slice(0, n);
      held = found === undefined ? held.slice(n) : "";
      return { text, isStopped: found !== undefined };
    },
    end() {
      const rest = held + decoder.decode();
      held = "";
      return rest;
    },
  };
}

/** The one that is whole first, the longest of those: which it is does not depend on how the text is cut into tokens. */
function firstEnd(text: string, stop: readonly string[]): { readonly at: number } | undefined {
  let first: { at: number; end: number } | undefined;
  for (const one of stop) {
    const at = text.indexOf(one);
    if (at < 0) continue;
    const end = at + one.length;
    if (first === undefined || end < first.end || (end === first.end && at < first.at)) first = { at, end };
  }
  return first;
}
