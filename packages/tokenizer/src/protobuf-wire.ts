// The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), the part that SentencePiece files need:
// varints, fixed 32 bits and length-delimited fields are read, other fields skipped. Groups (wire types 3 and 4) are refused.

import type { FormatErrorFields } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Reads the fields of one message in order. Nothing is copied; every declared length is checked against the bytes left. */
export class WireReader {
  /** Number of the field whose tag `next` read. */
  fieldNumber = 0;
  readonly #bytes: Uint8Array;
  readonly #file: string | undefined;
  /** Name of the message in errors, empty for the file itself; made into a path only when there is an error. */
  readonly #name: string;
  readonly #index: number | undefined;
  readonly #end: number;
  #offset: number;
  #wireType = VARINT;
  // the last varint, in halves of 32 bits, unsigned
  #low = 0;
  #high = 0;

  constructor(
    bytes: Uint8Array,
    file: string | undefined,
    start = 0,
    end: number = bytes.length,
    name = "",
    index?: number,
  ) {
    this.#bytes = bytes;
    this.#file = file;
    this.#offset = start;
    this.#end = end;
    this.#name = name;
    this.#index = index;
  }

  /** Offset of the next byte, from the start of the file. */
  get offset(): number {
    return this.#offset;
  }

  /** Reads the tag of the next field; false at the end of the message. */
  next(): boolean {
    if (this.#offset >= this.#end) return false;
    const start = this.#offset;
    this.#readVarint("tag");
    this.fieldNumber = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    const known = this.#wireType <= LENGTH_DELIMITED || this.#wireType === FIXED32;
    if (this.#high !== 0 || this.fieldNumber === 0 || !known) {
      const got = this.#high !== 0 ? "a tag over 32 bits" : `field ${this.fieldNumber} of wire type ${this.#wireType}`;
      this.#malformed("E_WIRE", "tag", start, "field number from 1, wire type 0, 1, 2 or 5", got);
    }
    return true;
  }

  /** The low 32 bits, signed: what Protocol Buffers makes of an int32 or an enum. */
  int32(field: string): number {
    this.#assertWireType(VARINT, field);
    this.#readVarint(field);
    return this.#low | 0;
  }

  bool(field: string): boolean {
    this.#assertWireType(VARINT, field);
    this.#readVarint(field);
    return this.#low !== 0 || this.#high !== 0;
  }

  float32(field: string): number {
    this.#assertWireType(FIXED32, field);
    const start = this.#take(4, field);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 4).getFloat32(0, true);
  }

  /** A view of the field's bytes, not a copy. */
  bytes(field: string): Uint8Array {
    const start = this.#takeSpan(field);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** A reader of the message that a field of the file holds; `index` counts those of a repeated field. */
  message(field: string, index?: number): WireReader {
    const start = this.#takeSpan(field);
    return new WireReader(this.#bytes, this.#file, start, this.#offset, field, index);
  }

  /** Steps over the field, whatever it holds. */
  skip(): void {
    const field = `field ${this.fieldNumber}`;
    if (this.#wireType === VARINT) this.#readVarint(field);
    else if (this.#wireType === LENGTH_DELIMITED) this.#takeSpan(field);
    else this.#take(this.#wireType === FIXED64 ? 8 : 4, field);
  }

  /** Throws an error that carries the file, the path of `field` and the offset just past what was read last. */
  fail(fields: Omit<FormatErrorFields, "file" | "offset"> & { readonly field: string }): never {
    throw new TokenizerModelError({
      ...fields,
      file: this.#file,
      offset: this.#offset,
      field: this.#pathOf(fields.field),
    });
  }

  #assertWireType(expected: number, field: string): void {
    if (this.#wireType === expected) return;
    this.#malformed("E_WIRE", field, this.#offset, `wire type ${expected}`, `wire type ${this.#wireType}`);
  }

  /** Steps over a length and the bytes that it declares; returns where they start. */
  #takeSpan(field: string): number {
    this.#assertWireType(LENGTH_DELIMITED, field);
    const start = this.#offset;
    this.#readVarint(field);
    const length = this.#high * 2 ** 32 + this.#low; // inexact above 2^53, where it is too long in any case
    const left = this.#end - this.#offset;
    if (length > left) this.#malformed("E_LENGTH", field, start, `at most ${left} bytes`, `a length of ${length}`);
    return this.#take(length, field);
  }

  #take(length: number, field: string): number {
    const start = this.#offset;
    const left = this.#end - start;
    if (length > left) this.#malformed("E_TRUNC", field, start, `${length} bytes`, `${left} bytes`);
    this.#offset += length;
    return start;
  }

  /** Up to ten bytes of seven bits each, lowest first; the top bit of a byte says that one more follows. */
  #readVarint(field: string): void {
    const start = this.#offset;
    this.#low = 0;
    this.#high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#take(1, field)] as number;
      // the tenth byte has room for bit 63 only: more is a number over 2^64, or an eleventh byte
      if (shift === 63 && byte > 1)
        this.#malformed("E_VARINT", field, start, "below 2^64 in 10 bytes", "a longer varint");
      const bits = byte & 0x7f;
      if (shift < 32) this.#low |= bits << shift;
      if (shift === 28) this.#high = bits >>> 4;
      else if (shift > 28) this.#high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.#low >>>= 0;
    this.#high >>>= 0;
  }

  #malformed(code: string, field: string, offset: number, expected: string, got: string): never {
    const message = `malformed SentencePiece model: expected ${expected}, got ${got}`;
    throw new TokenizerModelError({
      code,
      file: this.#file,
      offset,
      field: this.#pathOf(field),
      expected,
      got,
      message,
    });
  }

  #pathOf(field: string): string {
    if (this.#name === "") return field;
    return `${this.#name}${this.#index === undefined ? "" : `[${this.#index}]`}.${field}`;
  }
}
