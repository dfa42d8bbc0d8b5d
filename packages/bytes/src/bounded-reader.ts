// A forward reader that compares every declared number with the bytes that are really there before it allocates.
// Integers are little-endian. Offsets are plain numbers up to 2^53, never 32-bit integer arithmetic.

import { type Budget, headerBudget } from "./budget.ts";
import { assertSource, type ByteSource } from "./byte-source.ts";
import { FormatError, type FormatErrorClass, type FormatErrorFields } from "./errors.ts";

export interface ReaderOptions {
  /** First byte to read; 0 if absent. */
  readonly start?: number;
  /** One past the last byte to read; the end of the source if absent. */
  readonly end?: number;
  /** Bytes fetched from the source at a time. Any size from 1 gives the same results. */
  readonly chunkBytes?: number;
  /**
   * A fetch that goes on where the last one ended takes twice as many bytes as that one, up to this: few requests for a long
   * header, few bytes too many for a short one. `chunkBytes` if absent.
   */
  readonly maxChunkBytes?: number;
  /** Charged for what is fetched and returned; `headerBudget` of the source if absent. */
  readonly budget?: Budget;
  /** The class of the errors thrown; `FormatError` if absent. */
  readonly ErrorClass?: FormatErrorClass;
}

const DEFAULT_CHUNK_BYTES = 256 * 1024;
const NO_BYTES = /* @__PURE__ */ new DataView(new ArrayBuffer(0));

/** @throws RangeError if `start … end` is not a span of the source, `chunkBytes` is not a whole number from 1, or `maxChunkBytes` less. */
export function createReader(source: ByteSource, options: ReaderOptions = {}): BoundedReader {
  return new BoundedReader(source, options);
}

/** See `createReader`. */
export class BoundedReader {
  readonly source: ByteSource;
  /** One past the last byte that may be read. */
  readonly end: number;
  /** Charged for each byte array that `bytes` returns, for what was fetched last, and a step for each number or array. */
  readonly budget: Budget;
  #chunkBytes: number;
  readonly #maxChunkBytes: number;
  readonly #ErrorClass: FormatErrorClass;
  /** Open levels as (name, index) pairs; text is made of them only when an error needs it. */
  readonly #path: (readonly [string, number | undefined])[] = [];
  #offset: number;
  #window: DataView<ArrayBuffer> = NO_BYTES;
  #windowStart = 0;

  constructor(source: ByteSource, options: ReaderOptions) {
    assertSource(source);
    this.source = source;
    this.end = options.end ?? source.byteLength;
    this.#offset = options.start ?? 0;
    this.#chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
    this.#maxChunkBytes = options.maxChunkBytes ?? this.#chunkBytes;
    this.#ErrorClass = options.ErrorClass ?? FormatError;
    this.budget = options.budget ?? headerBudget(source.byteLength, source.name, this.#ErrorClass);
    assertInteger("end", this.end, 0, source.byteLength);
    assertInteger("start", this.#offset, 0, this.end);
    assertInteger("chunkBytes", this.#chunkBytes, 1, Number.MAX_SAFE_INTEGER);
    assertInteger("maxChunkBytes", this.#maxChunkBytes, this.#chunkBytes, Number.MAX_SAFE_INTEGER);
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
    this.#path.push([name, index]);
  }

  leave(): void {
    this.#path.pop();
  }

  async u8(field: string): Promise<number> {
    const at = this.#step(1) ?? (await this.#fetch(1, field));
    return this.#window.getUint8(at);
  }

  async u16(field: string): Promise<number> {
    const at = this.#step(2) ?? (await this.#fetch(2, field));
    return this.#window.getUint16(at, true);
  }

  async u32(field: string): Promise<number> {
    const at = this.#step(4) ?? (await this.#fetch(4, field));
    return this.#window.getUint32(at, true);
  }

  async i32(field: string): Promise<number> {
    const at = this.#step(4) ?? (await this.#fetch(4, field));
    return this.#window.getInt32(at, true);
  }

  async f32(field: string): Promise<number> {
    const at = this.#step(4) ?? (await this.#fetch(4, field));
    return this.#window.getFloat32(at, true);
  }

  /** @throws `E_OVERFLOW` above 2^53 − 1. */
  async u64(field: string): Promise<number> {
    return this.#u64At(this.#step(8) ?? (await this.#fetch(8, field)), field);
  }

  /** As `u64`, if nothing has to be read for it; else undefined. Waiting for each of half a million lengths takes longer than reading them. */
  heldU64(field: string): number | undefined {
    const at = this.#offset - this.#windowStart;
    if (at < 0 || at + 8 > this.#window.byteLength) return undefined;
    return this.#u64At(this.#step(8) as number, field);
  }

  #u64At(at: number, field: string): number {
    const high = this.#window.getUint32(at + 4, true);
    if (high === 0) return this.#window.getUint32(at, true);
    if (high < 2 ** 21) return high * 2 ** 32 + this.#window.getUint32(at, true);
    const value = this.#window.getBigUint64(at, true);
    throw this.error({
      code: "E_OVERFLOW",
      offset: this.#offset - 8,
      field,
      expected: "at most 2^53 - 1",
      got: value.toString(),
      message: `number too large: ${value}`,
    });
  }

  /**
   * A fresh copy of the next `length` bytes.
   * @throws `E_LENGTH` if `length` is over `cap` or negative; `E_TRUNC` if fewer bytes are left; both before anything is
   *   allocated.
   */
  async bytes(length: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): Promise<Uint8Array> {
    this.assertLength(length, field, cap);
    this.budget.takeBytes(length, this.#fieldPath(field), this.#offset);
    const out = new Uint8Array(length);
    if (length <= this.#chunkBytes) {
      const at = this.#step(length) ?? (await this.#fetch(length, field));
      out.set(new Uint8Array(this.#window.buffer, at, length));
    } else {
      this.budget.takeSteps(1, "steps", this.#offset);
      await this.source.read(this.#offset, out);
      this.#offset += length;
    }
    return out;
  }

  /** @throws `E_LENGTH` if a declared `length` is over `cap` or negative; `E_TRUNC` if it is more than the bytes left. */
  assertLength(length: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): void {
    if (!(length >= 0 && length <= cap)) {
      throw this.error({
        code: "E_LENGTH",
        field,
        expected: `at most ${cap}`,
        got: length,
        message: length < 0 ? `length ${length} is negative` : `length ${length} is over the limit of ${cap}`,
      });
    }
    if (length > this.remaining) this.#throwTruncated(length, field);
  }

  /**
   * Checks a declared number of records, each of at least `minBytes` ≥ 1 bytes, against the bytes left.
   * @throws `E_LIMIT` if it is over `cap` or negative; `E_TRUNC` if they cannot all be there.
   */
  assertCount(count: number, minBytes: number, field: string, cap: number = Number.MAX_SAFE_INTEGER): void {
    if (!(count >= 0 && count <= cap)) {
      throw this.error({
        code: "E_LIMIT",
        field,
        expected: `at most ${cap}`,
        got: count,
        message: count < 0 ? `count ${count} is negative` : `count ${count} is over the limit of ${cap}`,
      });
    }
    // divide, never multiply: count * minBytes may pass 2^53
    if (count > Math.floor(this.remaining / minBytes)) this.#throwTruncated(BigInt(count) * BigInt(minBytes), field);
  }

  /** Moves to `offset` without reading. @throws `E_TRUNC` if it lies past the end. */
  seek(offset: number, field: string): void {
    if (offset > this.end) this.#throwTruncated(offset - this.#offset, field);
    assertInteger("offset", offset, 0, this.end);
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
    let path = "";
    for (const [name, index] of this.#path) path += index === undefined ? `${name}.` : `${name}[${index}].`;
    return path + field;
  }

  #throwTruncated(need: number | bigint, field: string): never {
    throw this.error({
      code: "E_TRUNC",
      field,
      expected: `${need} bytes`,
      got: `${this.remaining} bytes`,
      message: `file ends too early: ${need} bytes needed, ${this.remaining} left`,
    });
  }

  /** Steps over `length` bytes that the window already holds; returns where they start in it, else `undefined`. */
  #step(length: number): number | undefined {
    this.budget.takeSteps(1, "steps", this.#offset);
    const at = this.#offset - this.#windowStart;
    if (at < 0 || at + length > this.#window.byteLength) return undefined;
    this.#offset += length;
    return at;
  }

  /** Moves the window so that it starts with the next `length` bytes, and steps over them. */
  async #fetch(length: number, field: string): Promise<number> {
    if (length > this.remaining) this.#throwTruncated(length, field);
    const windowEnd = this.#windowStart + this.#window.byteLength;
    if (this.#window.byteLength > 0 && this.#windowStart <= this.#offset && this.#offset <= windowEnd) {
      this.#chunkBytes = Math.min(2 * this.#chunkBytes, this.#maxChunkBytes);
    }
    // the last window goes before the next one comes
    this.budget.releaseBytes(this.#window.byteLength);
    this.#window = NO_BYTES;
    const windowBytes = Math.min(Math.max(length, this.#chunkBytes), this.remaining);
    this.budget.takeBytes(windowBytes, this.#fieldPath(field), this.#offset);
    const bytes = new Uint8Array(windowBytes);
    await this.source.read(this.#offset, bytes);
    this.#window = new DataView(bytes.buffer);
    this.#windowStart = this.#offset;
    this.#offset += length;
    return 0;
  }
}

function assertInteger(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new RangeError(`"${name}" expected a whole number from ${low} to ${high}, got ${value}`);
  }
}
