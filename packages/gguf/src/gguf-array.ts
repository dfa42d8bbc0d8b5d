// An array of the metadata: known by its place, read when it is asked for. A vocabulary and its merges make up nearly all of a
// header, and who only wants to know the number of layers need not hold them.

import type { ByteSource } from "@ll/bytes";
import { GgufFormatError } from "./errors.ts";
import { MAX_TEXTS } from "./limits.ts";
import { type ValueType, type ValueTypeName, valueType, valueTypeById } from "./value-type.ts";

/** What the items of each type are read as. Texts are bytes: UTF-8 as a rule, see `decodeText`. */
export interface ItemArrays {
  u8: Uint8Array;
  i8: Int8Array;
  u16: Uint16Array;
  i16: Int16Array;
  u32: Uint32Array;
  i32: Int32Array;
  f32: Float32Array;
  bool: readonly boolean[];
  string: readonly Uint8Array[];
  array: readonly NestedArray[];
  u64: BigUint64Array;
  i64: BigInt64Array;
  f64: Float64Array;
}

/** An array inside an array. */
export type NestedArray = {
  [T in ValueTypeName]: { readonly itemType: T; readonly items: ItemArrays[T] };
}[ValueTypeName];

/** Where an array is, and where it is declared. */
export interface ArrayPlace {
  readonly key: string;
  readonly itemType: ValueTypeName;
  readonly length: number;
  /** First byte of the first item. */
  readonly offset: number;
  readonly byteLength: number;
}

/** Many texts in two arrays. */
export interface PackedTexts {
  readonly bytes: Uint8Array; // (total)
  readonly starts: Uint32Array; // (nTexts + 1)
}

export class GgufArray {
  readonly type = "array";
  readonly itemType: ValueTypeName;
  /** Number of items. */
  readonly length: number;
  readonly #source: ByteSource;
  readonly #place: ArrayPlace;
  readonly #held: Uint8Array | undefined;

  /** @param held the bytes of all items, of an array that is short enough */
  constructor(source: ByteSource, place: ArrayPlace, held?: Uint8Array) {
    this.itemType = place.itemType;
    this.length = place.length;
    this.#source = source;
    this.#place = place;
    this.#held = held;
  }

  /** All items of a short array of numbers or truth values, such as those with one for each layer. */
  get items(): readonly (number | bigint | boolean)[] | undefined {
    if (this.#held === undefined) return undefined;
    return Array.from(numbers(this.itemType, new Uint8Array(this.#held)) as ArrayLike<number | bigint | boolean>);
  }

  /**
   * Reads all items, which must be of the type that is asked for: one read of the source, nothing is kept.
   * @throws GgufFormatError `E_TYPE` if they are of another type, `E_LIMIT` if there are too many texts; IoError if the source fails
   */
  async read<T extends ValueTypeName>(itemType: T): Promise<ItemArrays[T]> {
    const { key, offset, byteLength } = this.#place;
    if (this.itemType !== itemType) {
      const message = `'${key}' is an array of ${this.itemType}, not of ${itemType}`;
      throw this.#error("E_TYPE", itemType, this.itemType, message);
    }
    const bytes = new Uint8Array(byteLength);
    await this.#source.read(offset, bytes);
    const cursor = new ItemCursor(bytes, (code, expected, got, message) => this.#error(code, expected, got, message));
    return cursor.items(valueType(itemType), this.length) as ItemArrays[T];
  }

  /**
   * The texts of an array of texts, in two arrays: text i is `bytes[starts[i], starts[i + 1])`. A vocabulary read like this takes little
   * more memory than it takes in the file.
   * @throws as `read`
   */
  async readTexts(): Promise<PackedTexts> {
    const { key, offset, byteLength } = this.#place;
    if (this.itemType !== "string") {
      const message = `'${key}' is an array of ${this.itemType}, not of string`;
      throw this.#error("E_TYPE", "string", this.itemType, message);
    }
    if (this.length > MAX_TEXTS) {
      throw this.#error("E_LIMIT", `at most ${MAX_TEXTS}`, this.length, `an array of more than ${MAX_TEXTS} texts`);
    }
    const bytes = new Uint8Array(byteLength);
    await this.#source.read(offset, bytes);
    const view = new DataView(bytes.buffer);
    const starts = new Uint32Array(this.length + 1);
    let from = 0; // in the array as it was read, where each text has its length in front
    let to = 0;
    for (let i = 0; i < this.length; i++) {
      const nBytes =
        from + 8 > bytes.length
          ? Number.POSITIVE_INFINITY
          : view.getUint32(from + 4, true) * 2 ** 32 + view.getUint32(from, true);
      from += 8;
      if (nBytes > bytes.length - from) {
        const message = "the array changed since the file was opened";
        throw this.#error("E_TRUNC", "the items that were there", "others", message);
      }
      // most texts are short, for which a call of copyWithin takes longer
      for (const end = from + nBytes; from < end; ) bytes[to++] = bytes[from++] as number;
      starts[i + 1] = to;
    }
    return { bytes: bytes.subarray(0, to), starts }; // without what is behind, a copy would take longer than the loop
  }

  #error(code: string, expected: string, got: string | number, message: string): GgufFormatError {
    const { key, offset } = this.#place;
    return new GgufFormatError({ code, file: this.#source.name, offset, field: key, expected, got, message });
  }
}

type MakeError = (code: string, expected: string, got: string | number, message: string) => Error;

/** Steps over the bytes of an array. They were walked over when the file was opened, but the file may have changed since. */
class ItemCursor {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #makeError: MakeError;
  #offset = 0;
  #nTexts = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, makeError: MakeError) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#makeError = makeError;
  }

  items(type: ValueType, length: number): ItemArrays[ValueTypeName] {
    if (type.bytes !== undefined) return numbers(type.name, this.#take(length * type.bytes));
    if (type.name === "string") return this.#texts(length);
    const nested: NestedArray[] = [];
    for (let i = 0; i < length; i++) {
      const start = this.#take(12).byteOffset;
      const itemType = valueTypeById(this.#view.getUint32(start, true));
      if (itemType === undefined) throw this.#changed();
      const items = this.items(itemType, Number(this.#view.getBigUint64(start + 4, true)));
      nested.push({ itemType: itemType.name, items } as NestedArray);
    }
    return nested;
  }

  #texts(length: number): Uint8Array[] {
    this.#nTexts += length;
    if (this.#nTexts > MAX_TEXTS) {
      throw this.#makeError(
        "E_LIMIT",
        `at most ${MAX_TEXTS}`,
        this.#nTexts,
        `an array of more than ${MAX_TEXTS} texts`,
      );
    }
    const texts: Uint8Array[] = [];
    for (let i = 0; i < length; i++) {
      const textBytes = this.#view.getBigUint64(this.#take(8).byteOffset, true);
      texts.push(this.#take(Number(textBytes)));
    }
    return texts;
  }

  /** The next bytes; a view. */
  #take(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.#bytes.length - this.#offset) throw this.#changed();
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  #changed(): Error {
    return this.#makeError(
      "E_TRUNC",
      "the items that were there",
      "others",
      "the array changed since the file was opened",
    );
  }
}

/** Numbers and truth values. Files are little-endian, and so are all hosts that run JavaScript engines of today. */
function numbers(type: ValueTypeName, bytes: Uint8Array<ArrayBuffer>): ItemArrays[ValueTypeName] {
  // a copy where the items do not begin at a multiple of their size, as inside arrays of arrays
  const { buffer, byteOffset: start } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const end = start + bytes.byteLength;
  switch (type) {
    case "u8":
      return new Uint8Array(buffer, start, end - start);
    case "i8":
      return new Int8Array(buffer, start, end - start);
    case "u16":
      return new Uint16Array(buffer, start, (end - start) / 2);
    case "i16":
      return new Int16Array(buffer, start, (end - start) / 2);
    case "u32":
      return new Uint32Array(buffer, start, (end - start) / 4);
    case "i32":
      return new Int32Array(buffer, start, (end - start) / 4);
    case "f32":
      return new Float32Array(buffer, start, (end - start) / 4);
    case "u64":
      return new BigUint64Array(buffer, start, (end - start) / 8);
    case "i64":
      return new BigInt64Array(buffer, start, (end - start) / 8);
    case "f64":
      return new Float64Array(buffer, start, (end - start) / 8);
    default:
      return Array.from(bytes, (byte) => byte !== 0); // any other byte is true, as in llama.cpp
  }
}

const textDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of bytes that should be UTF-8, with U+FFFD for what is not. */
export function decodeText(bytes: Uint8Array): string {
  return textDecoder.decode(bytes);
}
