// What SentencePiece does to a text before it encodes it, for models without a character map.

import type { NormalizerOptions } from "./sentencepiece-model.ts";

export const SPACE = 0x20;
/** U+2581, which stands for a space in pieces. */
export const SPACE_SYMBOL: readonly number[] = [0xe2, 0x96, 0x81];
/** U+FFFD */
const REPLACEMENT: readonly number[] = [0xef, 0xbf, 0xbd];

/** Bytes between two pauses. They take some 10 ms. */
const SLICE_BYTES = 1024 * 1024;

/** UTF-8 that SentencePiece would encode: every byte that is not part of valid UTF-8 becomes one U+FFFD. Pauses now and then. */
export function* normalizeSteps(text: Uint8Array, options: NormalizerOptions): Generator<void, Uint8Array, void> {
  const space = options.escapeWhitespaces ? SPACE_SYMBOL : [SPACE];
  const out = new Uint8Array(3 * text.length + 3); // every byte may become three, and the prefix is one more
  let length = 0;
  const put = (bytes: readonly number[]): void => {
    for (const byte of bytes) out[length++] = byte;
  };

  let offset = 0;
  if (options.removeExtraWhitespaces) while (text[offset] === SPACE) offset++;
  if (offset === text.length) return new Uint8Array(0); // no prefix for an empty text
  if (options.addDummyPrefix) put(space);
  let pauseAt = SLICE_BYTES;
  while (offset < text.length) {
    if (offset >= pauseAt) {
      yield;
      pauseAt += SLICE_BYTES;
    }
    const size = characterBytes(text, offset);
    if (size === 0) {
      put(REPLACEMENT);
      offset++;
    } else if (text[offset] === SPACE) {
      if (!options.removeExtraWhitespaces || text[offset - 1] !== SPACE) put(space);
      offset++;
    } else {
      for (const end = offset + size; offset < end; offset++) out[length++] = text[offset] as number;
    }
  }
  if (options.removeExtraWhitespaces) {
    while (length >= space.length && space.every((byte, i) => out[length - space.length + i] === byte))
      length -= space.length;
  }
  return out.subarray(0, length);
}

export function isUtf8(text: Uint8Array): boolean {
  for (let offset = 0; offset < text.length; ) {
    if ((text[offset] as number) < 0x80) {
      offset++; // most of a file: not worth a call
      continue;
    }
    const size = characterBytes(text, offset);
    if (size === 0) return false;
    offset += size;
  }
  return true;
}

/** Bytes of the valid UTF-8 character at `offset`; 0 if there is none (table 3-7 of the Unicode standard). */
function characterBytes(text: Uint8Array, offset: number): number {
  const first = text[offset] as number;
  if (first < 0x80) return 1;
  const second = text[offset + 1] ?? 0;
  // some first bytes allow fewer second ones: no overlong forms, no surrogates, nothing above U+10FFFF
  if (first < 0xc2 || first > 0xf4 || !isContinuation(second)) return 0;
  if (first < 0xe0) return 2;
  if (first === 0xe0 ? second < 0xa0 : first === 0xed && second > 0x9f) return 0;
  if (!isContinuation(text[offset + 2] ?? 0)) return 0;
  if (first < 0xf0) return 3;
  if (first === 0xf0 ? second < 0x90 : first === 0xf4 && second > 0x8f) return 0;
  return isContinuation(text[offset + 3] ?? 0) ? 4 : 0;
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte < 0xc0;
}

/** U+2581 for every space, and one in front if `hasPrefix`. */
export function* escapeSteps(text: Uint8Array, hasPrefix: boolean): Generator<void, Uint8Array, void> {
  let nSpaces = hasPrefix ? 1 : 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === SPACE) nSpaces++;
    if (i % SLICE_BYTES === SLICE_BYTES - 1) yield;
  }
  const out = new Uint8Array(text.length + 2 * nSpaces + (hasPrefix ? 1 : 0));
  let length = 0;
  if (hasPrefix) for (const byte of SPACE_SYMBOL) out[length++] = byte;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i] as number;
    if (byte === SPACE) for (const part of SPACE_SYMBOL) out[length++] = part;
    else out[length++] = byte;
    if (i % SLICE_BYTES === SLICE_BYTES - 1) yield;
  }
  return out.subarray(0, length);
}
