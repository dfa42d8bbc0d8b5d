// Bytes of tokens in, text out: never half a character, and never the beginning of what may become a stop string.

export interface TextStream {
  /** Takes a token's bytes; returns the text that is certain now. After a stop string no more may be pushed. */
  push(bytes: Uint8Array): { readonly text: string; readonly stopped: boolean };
  /** The text still held back; half a character becomes U+FFFD. */
  flush(): string;
}

/** @throws TypeError for an empty stop string. */
export function createTextStream(stops: readonly string[] = []): TextStream {
  if (stops.includes("")) throw new TypeError(`"stop" expected non-empty strings, got ""`);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = "";

  /** Where the stop string begins that is whole first, the longest of those: however the text is cut into tokens. −1 if there is none. */
  function stopIndex(): number {
    const found = stops.map((stop) => ({ at: held.indexOf(stop), length: stop.length })).filter(({ at }) => at >= 0);
    return found.sort((a, b) => a.at + a.length - b.at - b.length || a.at - b.at)[0]?.at ?? -1;
  }

  /** Index of the first suffix of `held` that begins a stop string; the length of `held` if there is none. */
  function certainLength(): number {
    for (let i = 0; i < held.length; i++) {
      const suffix = held.slice(i);
      if (stops.some((stop) => stop.startsWith(suffix))) return i;
    }
    return held.length;
  }

  return {
    push(bytes) {
      held += decoder.decode(bytes, { stream: true });
      const stop = stopIndex();
      const length = stop >= 0 ? stop : certainLength();
      const text = held.slice(0, length);
      held = stop >= 0 ? "" : held.slice(length);
      return { text, stopped: stop >= 0 };
    },
    flush() {
      const text = held + decoder.decode();
      held = "";
      return text;
    },
  };
}
