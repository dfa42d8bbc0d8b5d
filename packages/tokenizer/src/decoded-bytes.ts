// From the texts of tokens to the bytes that they stand for in a text.

import { kindOf } from "@ll/bytes";
import { SPACE } from "./normalize.ts";

/** For callers without types: one id alone would be decoded as no text. */
export function assertIds(ids: unknown): void {
  if (typeof ids === "object" && ids !== null && ("length" in ids || Symbol.iterator in ids)) return;
  throw new TypeError(`"ids" expected a list of ids, got ${kindOf(ids)}`);
}

/** The byte of `<0x0A>`; the text itself if it is something else. */
export function byteOf(text: Uint8Array): Uint8Array {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(String.fromCharCode(...text.subarray(0, 8)))?.[1];
  return hex === undefined ? text : Uint8Array.of(Number.parseInt(hex, 16));
}

/** A space for every U+2581. */
export function withSpaces(text: Uint8Array): Uint8Array {
  if (!text.includes(0xe2)) return text;
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === 0xe2 && text[i + 1] === 0x96 && text[i + 2] === 0x81) {
      out[length++] = SPACE;
      i += 2;
    } else out[length++] = text[i] as number;
  }
  return out.subarray(0, length);
}

/** All of them in one array. */
export function joined(views: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(views.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const view of views) {
    bytes.set(view, offset);
    offset += view.length;
  }
  return bytes;
}

/** llama.cpp's three passes over a whole text, in which spaces in front of punctuation and around apostrophes go. */
export function cleaned(text: Uint8Array): Uint8Array {
  const [apostrophe, stops] = [0x27, [0x3f, 0x21, 0x2e, 0x2c]];
  const pass = (from: Uint8Array, skips: (i: number) => number): Uint8Array => {
    const out: number[] = [];
    if (from.length > 0) out.push(from[0] as number);
    for (let i = 1; i < from.length; i++) {
      const skip = skips(i);
      if (skip > 0) out.pop();
      out.push(from[i] as number);
      if (skip > 1) i += skip - 1;
    }
    return Uint8Array.from(out);
  };
  const a = pass(text, (i) => (text[i - 1] === SPACE && stops.includes(text[i] as number) ? 1 : 0));
  const b = pass(a, (i) => (a[i] === apostrophe && a[i - 1] === SPACE && a[i + 1] === SPACE ? 2 : 0));
  return pass(b, (i) => {
    if (b[i] !== apostrophe || b[i - 1] !== SPACE) return 0;
    const [next, after] = [b[i + 1], b[i + 2]];
    const isShort = next === 0x73 || next === 0x6d;
    const isLong = (next === 0x72 || next === 0x76) && after === 0x65;
    return isShort || isLong ? 1 : 0;
  });
}
