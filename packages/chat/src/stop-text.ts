// Text of tokens, up to a stop text: whole characters, and nothing that may yet become one.

import { firstMark, heldBack } from "./format/output-part.ts";

export interface StopText {
  /** What is certain with these bytes; `isStopped` if a stop text was found, of which nothing is shown. */
  push(bytes: Uint8Array): { readonly text: string; readonly isStopped: boolean };
  /** What was held back, half a character as U+FFFD. */
  end(): string;
}

export function createStopText(stop: readonly string[]): StopText {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = "";
  return {
    push(bytes) {
      held += decoder.decode(bytes, { stream: true });
      const found = firstMark(held, stop);
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
