// A forward reader that compares every declared number with the bytes that are really there before it allocates.
// Integers are little-endian. Offsets are plain numbers up to 2^53, never 32-bit integer arithmetic.

import type { Budget } from "./budget.ts";
import type { ByteSource } from "./byte-source.ts";
import { FormatError, type FormatErrorClass, type FormatErrorFields } from "./errors.ts";

export interface ReaderOptions {
  /** First byte to read; 0 if absent. */
  readonly start?: number;
  /** One past the last byte to read; the end of the source if absent. */
  readonly end?: number;
  /** Bytes fetched from the source at a time. Any size from 1 gives the same results. */
  readonly chunkBytes?: number;
  /** Charged for every byte array that `bytes` returns. */
  readonly budget?: Budget;
  /** The class of the errors thrown; `FormatError` if absent. */
  readonly ErrorClass?: FormatErrorClass;
}

const DEFAULT_CHUNK_BYTES = 256 * 1024;

export function createReader(source: ByteSource, options: ReaderOptions = {}): BoundedReader {
  return new BoundedReader(source, options);
}

/** See `createReader`. */
export class BoundedReader {
  readonly source: ByteSource;
  /** One past the last byte that may be read. */
  readonly end: number;
  readonly #chunkBytes: number;
  readonly #budget: Budget | undefined;
  readonly #ErrorClass: FormatErrorClass;
  readonly #path: (string | number)[] = [];
  #offset: number;
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#window.buffer);
  #windowStart = 0;

  constructor(source: ByteSource, options: ReaderOptions) {
    this.source = source;
    this.end = options.end ?? source.byteLength;
    this.#offset = options.start ?? 0;
    this.#chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
    this.#budget = options.budget;
    this.#ErrorClass = options.ErrorClass ?? FormatError;
  }

  /** Offset of the next byte, from the start of the source. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.end - this.#offset;
  }

  /** Opens a level of the field path shown in errors: `enter("vocab", 12)` gives `vocab[12].…`. Close it with `leave`. */
  enter(name: string, index?: number): void {
    this.#path.push(index === undefined ? name : `${name}[${index}]`);
  }

  leave(): void {
    this.#path.pop();
  }

  async u8(field: string): Promise<number> {
    return this.#view.getUint8(await this.#take(1, field));
  }

  async u16(field: string): Promise<number> {
    return this.#view.getUint16(await this.#take(2, field), true);
  }

  async u32(field: string): Promise<number> {
    return this.#view.getUint32(await this.#take(4, field), true);
  }

  async i32(field: string): Promise<number> {
    return this.#view.getInt32(await this.#take(4, field), true);
  }

  async f32(field: string): Promise<number> {
    return this.#view.getFloat32(await this.#take(4, field), true);
  }

  /** @throws `E_OVERFLOW` above 2^53 − 1. */
  async u64(field: string): Promise<number> {
    const start = this.#offset;
    const value = this.#view.getBigUint64(await this.#take(8, field), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error({
        code: "E_OVERFLOW",
        offset: start,
        field,
        expected: "at most 2^53 - 1",
        got: value.toString(),
        message: `number too large: ${value}`,
      });
    }
    return Number(value);
  }

  /**
   * A fresh copy of the next `length` bytes.
   * @throws `E_LENGTH` if `length` is over `cap`; `E_TRUNC` if fewer bytes are left; both before anything is allocated.
   */
  async bytes(length: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): Promise<Uint8Array> {
    this.assertLength(length, field, cap);
    this.#budget?.takeBytes(length, this.#fieldPath(field));
    const out = new Uint8Array(length);
    if (length <= this.#chunkBytes) {
      const start = await this.#take(length, field);
      out.set(this.#window.subarray(start, start + length));
    } else {
      await this.source.read(this.#offset, out);
      this.#offset += length;
    }
    return out;
  }

  /** @throws `E_LENGTH` if a declared `length` is over `cap`; `E_TRUNC` if it is more than the bytes left. */
  assertLength(length: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): void {
    if (length > cap) {
      throw this.error({
        code: "E_LENGTH",
        field,
        expected: `at most ${cap}`,
        got: length,
        message: `length ${length} is over the limit of ${cap}`,
      });
    }
    if (length > this.remaining) this.#throwTruncated(length, field);
  }

  /**
   * Checks a declared number of records, each of at least `minBytes` bytes, against the bytes left.
   * @throws `E_LIMIT` over `cap`; `E_TRUNC` if they cannot all be there.
   */
  assertCount(count: number, minBytes: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): void {
    if (count > cap) {
      throw this.error({
        code: "E_LIMIT",
        field,
        expected: `at most ${cap}`,
        got: count,
        message: `count ${count} is over the limit of ${cap}`,
      });
    }
    // divide, never multiply: count * minBytes may pass 2^53
    if (count > Math.floor(this.remaining / minBytes)) this.#throwTruncated(count * minBytes, field);
  }

  /** Moves to `offset` without reading. @throws `E_TRUNC` if it lies past the end. */
  seek(offset: number, field: string): void {
    if (offset > this.end) this.#throwTruncated(offset - this.#offset, field);
    this.#offset = offset;
  }

  /** An error that carries this reader's file, offset and field path; the caller throws it. */
  error(fields: Omit<FormatErrorFields, "file">): FormatError {
    return new this.#ErrorClass({
      ...fields,
      file: this.source.name,
      offset: fields.offset ?? this.#offset,
      field: fields.field === undefined ? undefined : this.#fieldPath(fields.field),
    });
  }

  #fieldPath(field: string): string {
    return [...this.#path, field].join(".");
  }

  #throwTruncated(need: number, field: string): never {
    throw this.error({
      code: "E_TRUNC",
      field,
      expected: `${need} bytes`,
      got: `${this.remaining} bytes`,
      message: `file ends too early: ${need} bytes needed, ${this.remaining} left`,
    });
  }

  /** Makes the next `length` bytes available in the window, steps over them and returns where they start in it. */
  async #take(length: number, field: string): Promise<number> {
    if (length > this.remaining) this.#throwTruncated(length, field);
    let start = this.#offset - this.#windowStart;
    if (start < 0 || start + length > this.#window.byteLength) {
      const size = Math.min(Math.max(length, this.#chunkBytes), this.remaining);
      const window = new Uint8Array(size);
      await this.source.read(this.#offset, window);
      this.#window = window;
      this.#view = new DataView(window.buffer);
      this.#windowStart = this.#offset;
      start = 0;
    }
    this.#offset += length;
    return start;
  }
}
