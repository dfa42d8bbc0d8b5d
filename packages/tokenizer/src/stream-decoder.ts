// Text that arrives token by token: a character may be spread over several tokens.

export interface StreamDecoder {
  /** The text that is complete now. @throws RangeError for an id that is not in the vocabulary. */
  push(id: number): string;
  /** What is left at the end: U+FFFD for an unfinished character, else nothing. The decoder can then be used again. */
  flush(): string;
}

/** @param tokenBytes the bytes of an id; they are not kept */
export function createStreamDecoder(tokenBytes: (id: number) => Uint8Array): StreamDecoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(tokenBytes(id), { stream: true }),
    flush: () => decoder.decode(),
  };
}
