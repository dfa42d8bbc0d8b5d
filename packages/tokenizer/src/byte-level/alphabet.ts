// The characters that stand for bytes in byte-level vocabularies (GPT-2's): 188 bytes stand for themselves, and the other 68, in order,
// are written as U+0100 to U+0143, so that a space is Ġ.

const isPlain = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** The byte that each code point below U+0144 stands for, -1 for none. */
const BYTE_OF_CODE: Int16Array = /* @__PURE__ */ (() => {
  const bytes = new Int16Array(0x144).fill(-1);
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) bytes[isPlain(byte) ? byte : next++] = byte;
  return bytes;
})();

const CODE_OF_BYTE: Uint16Array = /* @__PURE__ */ (() => {
  const codes = new Uint16Array(256);
  for (const [code, byte] of BYTE_OF_CODE.entries()) if (byte >= 0) codes[byte] = code;
  return codes;
})();

/**
 * Writes the bytes that a text of the alphabet stands for to `out`, from `at` on; a character of none is written as it is. Gives the
 * place behind them, as `~place` if there was such a character.
 */
export function writeBytes(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let isWhole = true;
  let place = at;
  for (let i = start; i < end; ) {
    const first = text[i] as number;
    if (first > 0x20 && first < 0x7f) {
      out[place++] = first;
      i++;
      continue;
    }
    const second = text[i + 1] ?? 0;
    const isPair = first >= 0xc2 && first <= 0xc5 && i + 1 < end && (second & 0xc0) === 0x80;
    const byte = isPair ? byteOfPair(first, second) : -1;
    const size = isPair ? 2 : 1;
    if (byte >= 0) out[place++] = byte;
    else {
      isWhole = false;
      for (let j = i; j < i + size; j++) out[place++] = text[j] as number;
    }
    i += size;
  }
  return isWhole ? place : ~place;
}

/** The byte that a character of two bytes stands for; -1 if it stands for none. */
export function byteOfPair(first: number, second: number): number {
  if (first < 0xc2 || first > 0xc5 || (second & 0xc0) !== 0x80) return -1;
  const code = ((first & 0x1f) << 6) | (second & 0x3f);
  return code < 0x144 ? (BYTE_OF_CODE[code] as number) : -1;
}

/** Writes bytes in the alphabet to `out`, from `at` on; gives the place behind them. */
export function writeSpelling(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let place = at;
  for (let i = start; i < end; i++) {
    const code = CODE_OF_BYTE[bytes[i] as number] as number;
    if (code < 0x80) out[place++] = code;
    else {
      out[place++] = 0xc0 | (code >> 6);
      out[place++] = 0x80 | (code & 0x3f);
    }
  }
  return place;
}
