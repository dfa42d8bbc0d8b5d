// The text of an answer while it grows: whole characters, an end before any stop text, nothing shown that may yet become one.

/** The text that is settled after one more token. */
export interface AnswerStep {
  readonly text: string;
  /** True if a stop text has been found: the answer ends before it. */
  readonly stopped: boolean;
}

export interface AnswerText {
  /** Takes the bytes of the next token. */
  push(bytes: Uint8Array): AnswerStep;
  /** What was held back, at the end of an answer without a stop text. */
  flush(): string;
  /** Characters (UTF-16 units) of all bytes so far, stop text included. */
  readonly length: number;
}

export function createAnswerText(stop: readonly string[]): AnswerText {
  const stops = stop.filter((text) => text !== "");
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = "";
  let length = 0;

  function settle(more: string): AnswerStep {
    held += more;
    length += more.length;
    const ends = stops.map((text) => held.indexOf(text)).filter((index) => index >= 0);
    const stopped = ends.length > 0;
    const settled = stopped ? Math.min(...ends) : held.length - unsettled(held, stops);
    const text = held.slice(0, settled);
    held = stopped ? "" : held.slice(settled);
    return { text, stopped };
  }

  return {
    push: (bytes) => settle(decoder.decode(bytes, { stream: true })),
    flush() {
      const { text } = settle(decoder.decode());
      const rest = text + held;
      held = "";
      return rest;
    },
    get length() {
      return length;
    },
  };
}

/** How many characters at the end of `text` are the beginning of a stop text. */
function unsettled(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let n = Math.min(stop.length - 1, text.length); n > longest; n--) {
      if (text.endsWith(stop.slice(0, n))) longest = n;
    }
  }
  return longest;
}

/** Leaves out white space at both ends of a text that comes in pieces. */
export function createTrimmer(): (piece: string) => string {
  let begun = false;
  let spaces = ""; // white space that may turn out to be the end
  return (piece) => {
    const text = begun ? piece : piece.trimStart();
    begun ||= text !== "";
    const kept = text.trimEnd();
    if (kept === "") {
      spaces += text;
      return "";
    }
    const shown = spaces + kept;
    spaces = text.slice(kept.length);
    return shown;
  };
}
