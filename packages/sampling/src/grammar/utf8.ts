// Bytes of tokens to code points, as llama.cpp's grammar code decodes them: characters may be cut between tokens, and bytes
// behind the first of a character are taken unchecked within a token (C3 41 is U+00C1), but checked where a token begins.

/** A character of which `remaining` bytes are still to come; 0 if none is open. */
export interface PartialCharacter {
  /** The bits so far. */
  readonly value: number;
  readonly remaining: number;
}

export interface DecodedToken {
  readonly codePoints: readonly number[];
  /** The character that the token leaves open. */
  readonly partial: PartialCharacter;
}

export const NO_PARTIAL: PartialCharacter = { value: 0, remaining: 0 };

/** Bytes behind the first by its high four bits; −1 for bytes that begin no character. */
const FOLLOWING = [0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, 1, 1, 2, 3] as const;

export function isContinuation(byte: number): boolean {
  return byte >> 6 === 0b10;
}

/** Decodes a token behind `before`; undefined if it is not UTF-8 there. */
export function decodeToken(bytes: Uint8Array, before: PartialCharacter): DecodedToken | undefined {
  const codePoints: number[] = [];
  let { value, remaining } = before;
  let at = 0;
  for (; remaining > 0 && at < bytes.length; at++, remaining--) {
    if (!isContinuation(bytes[at]!)) return undefined;
    value = (value << 6) + (bytes[at]! & 63);
  }
  if (before.remaining > 0 && remaining === 0) codePoints.push(value);

  while (at < bytes.length) {
    const first = bytes[at++]!;
    remaining = FOLLOWING[first >> 4]!;
    if (remaining < 0) return undefined;
    value = first & ((1 << (7 - remaining)) - 1);
    for (; remaining > 0 && at < bytes.length; at++, remaining--) value = (value << 6) + (bytes[at]! & 63);
    if (remaining === 0) codePoints.push(value);
  }
  return { codePoints, partial: remaining === 0 ? NO_PARTIAL : { value, remaining } };
}
