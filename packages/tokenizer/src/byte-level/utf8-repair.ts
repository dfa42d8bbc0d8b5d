// Bytes that are not UTF-8, made well-formed: for what comes after, a first byte says how many follow.

import { isUtf8 } from "../normalize.ts";

const REPLACEMENT: readonly number[] = [0xef, 0xbf, 0xbd];
/** Bytes between two pauses. */
const SLICE_BYTES = 1024 * 1024;

/**
 * "whatwg": as TextDecoder does, each longest beginning of a character becomes one U+FFFD. "lenient", as llama.cpp does: the first byte
 * gives the length, and the number that comes out is written again, so that C0 80 becomes 00 and surrogates stay; any other byte is
 * one U+FFFD.
 */
export function* repairSteps(bytes: Uint8Array, way: "whatwg" | "lenient"): Generator<void, Uint8Array, void> {
  if (isUtf8(bytes)) return bytes;
  const out = new Uint8Array(3 * bytes.length);
  let length = 0;
  let pauseAt = SLICE_BYTES;
  for (let at = 0; at < bytes.length; ) {
    if (at >= pauseAt) {
      yield;
      pauseAt += SLICE_BYTES;
    }
    const size = way === "lenient" ? lenientSize(bytes, at) : strictSize(bytes, at);
    if (size > 0) {
      const code = way === "lenient" ? codeOf(bytes, at, size) : -1;
      if (code >= 0 && code < 0x80) out[length++] = code;
      else if (code >= 0x80 && code < 0x800) {
        out[length++] = 0xc0 | (code >> 6);
        out[length++] = 0x80 | (code & 0x3f);
      } else if (code >= 0x800 && code < 0x10000) {
        out[length++] = 0xe0 | (code >> 12);
        out[length++] = 0x80 | ((code >> 6) & 0x3f);
        out[length++] = 0x80 | (code & 0x3f);
      } else for (let i = at; i < at + size; i++) out[length++] = bytes[i] as number;
      at += size;
    } else {
      for (const byte of REPLACEMENT) out[length++] = byte;
      at += way === "lenient" ? 1 : -size;
    }
  }
  return out.slice(0, length);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Bytes of the character by its first byte, 0 if they are not there or its number is too large. */
function lenientSize(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
  for (let i = 1; i < size; i++) if (!isContinuation(bytes[at + i])) return 0;
  return size === 4 && codeOf(bytes, at, 4) >= 0x110000 ? 0 : size;
}

function codeOf(bytes: Uint8Array, at: number, size: number): number {
  if (size === 1) return bytes[at] as number;
  let code = (bytes[at] as number) & (0xff >> (size + 1));
  for (let i = 1; i < size; i++) code = (code << 6) | ((bytes[at + i] as number) & 0x3f);
  return code;
}

/** Bytes of the valid character at `at`; of what is the beginning of one, or one wrong byte, negative. */
function strictSize(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let i = 1; i < size; i++) {
    const byte = bytes[at + i];
    const isFirstOfThem = i === 1;
    const least = isFirstOfThem && first === 0xe0 ? 0xa0 : isFirstOfThem && first === 0xf0 ? 0x90 : 0x80;
    const most = isFirstOfThem && first === 0xed ? 0x9f : isFirstOfThem && first === 0xf4 ? 0x8f : 0xbf;
    if (byte === undefined || byte < least || byte > most) return -i;
  }
  return size;
}
