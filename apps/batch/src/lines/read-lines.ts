// The lines of a file, one after the other: what is in memory is one piece of the file and one line.

import type { ByteSource } from "@ll/bytes";

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; undefined if there are more than `mostBytes`. Good until the next line is asked for. */
  readonly bytes: Uint8Array | undefined;
  /** Of the file, up to and with its end. */
  readonly endOffset: number;
}

const PIECE_BYTES = 1024 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/** @throws IoError */
export async function* readLines(source: ByteSource, mostBytes: number): AsyncGenerator<Line, void, undefined> {
  const piece = new Uint8Array(PIECE_BYTES);
  let rest: Uint8Array[] = []; // of a line that began in pieces before
  let restBytes = 0;
  let number = 0;
  const lineOf = (last: Uint8Array, endOffset: number): Line => {
    const length = restBytes + last.length;
    const bytes = length > mostBytes ? undefined : rest.length === 0 ? last : joined([...rest, last], length);
    rest = [];
    restBytes = 0;
    return { number: ++number, bytes: bytes?.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes, endOffset };
  };
  for (let offset = 0; offset < source.byteLength; offset += PIECE_BYTES) {
    const view = piece.subarray(0, Math.min(PIECE_BYTES, source.byteLength - offset));
    await source.read(offset, view);
    let at = 0;
    for (let end = view.indexOf(NEWLINE); end !== -1; end = view.indexOf(NEWLINE, at)) {
      yield lineOf(view.subarray(at, end), offset + end + 1);
      at = end + 1;
    }
    if (restBytes <= mostBytes) rest.push(view.slice(at));
    else rest = []; // it is too long already: counted, not kept
    restBytes += view.length - at;
  }
  if (restBytes > 0) yield lineOf(new Uint8Array(0), source.byteLength);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
