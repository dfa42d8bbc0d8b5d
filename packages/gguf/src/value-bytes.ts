// Metadata as bytes.

import { isBytes, printable } from "@ll/bytes";
import { MAX_DEPTH, MAX_KEY_BYTES, MAX_TEXT_BYTES } from "./limits.ts";
import { type BigType, type NumberType, type ValueTypeName, valueType } from "./value-type.ts";

/** A text, or its bytes where they are not UTF-8. */
export type WritableText = string | Uint8Array;

export type WritableArray =
  | { readonly type: "array"; readonly itemType: NumberType; readonly items: ArrayLike<number> }
  | { readonly type: "array"; readonly itemType: BigType; readonly items: ArrayLike<bigint> }
  | { readonly type: "array"; readonly itemType: "bool"; readonly items: ArrayLike<boolean> }
  | { readonly type: "array"; readonly itemType: "string"; readonly items: ArrayLike<WritableText> }
  | { readonly type: "array"; readonly itemType: "array"; readonly items: ArrayLike<WritableArray> };

/** A value that can be written. */
export type WritableValue =
  | { readonly type: NumberType; readonly value: number }
  | { readonly type: BigType; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: WritableText }
  | WritableArray;

/** Collects little-endian bytes. */
export class ByteBuilder {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;

  u32(value: number): void {
    const at = this.#grow(4); // first: it may replace the view
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint | number): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  text(text: WritableText): void {
    const bytes = textBytes(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** @throws RangeError for a value that the type does not hold. */
  number(type: ValueTypeName, value: unknown, field: string): void {
    const { bytes } = valueType(type);
    const number = new DataView(new ArrayBuffer(8));
    if (type === "f32") number.setFloat32(0, checkedNumber(value, field), true);
    else if (type === "f64") number.setFloat64(0, checkedNumber(value, field), true);
    // two's complement, little-endian: the first bytes of the longest integer are the shorter ones
    else number.setBigInt64(0, checkedInteger(type, value, field), true);
    this.raw(new Uint8Array(number.buffer, 0, bytes));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `count` bytes; returns where they begin. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Appends a key and its value. @throws RangeError for a pair that `openGguf` would refuse. */
export function writePair(out: ByteBuilder, key: string, value: WritableValue): void {
  assertName("key", key, MAX_KEY_BYTES);
  out.text(key);
  out.u32(valueType(value.type).id);
  if (value.type === "array") writeArray(out, value, key, 1);
  else if (value.type === "string") out.text(checkedText(value.value, key));
  else out.number(value.type, value.value, key);
}

function writeArray(out: ByteBuilder, { itemType, items }: WritableArray, field: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`"${field}" expected at most ${MAX_DEPTH} arrays inside each other`);
  out.u32(valueType(itemType).id);
  out.u64(items.length);
  for (let i = 0; i < items.length; i++) {
    const item: unknown = items[i];
    if (itemType === "array") writeArray(out, item as WritableArray, field, depth + 1);
    else if (itemType === "string") out.text(checkedText(item as WritableText, `${field}[${i}]`));
    else out.number(itemType, item, `${field}[${i}]`);
  }
}

/** @throws RangeError for a key or tensor name that `openGguf` would refuse. */
export function assertName(what: string, name: string, maxBytes: number): void {
  const length = textBytes(name).length;
  if (length >= 1 && length <= maxBytes && name.isWellFormed() && printable(name, 8 * maxBytes) === name) return;
  throw new RangeError(`"${what}" expected 1 to ${maxBytes} bytes of printable UTF-8, got ${printable(name)}`);
}

function checkedText(text: WritableText, field: string): WritableText {
  if (typeof text === "string" ? !text.isWellFormed() : !isBytes(text)) {
    throw new RangeError(`"${field}" expected a well-formed text or bytes, got ${printable(String(text))}`);
  }
  if (text.length > MAX_TEXT_BYTES) throw new RangeError(`"${field}" expected at most ${MAX_TEXT_BYTES} bytes`);
  return text;
}

const encoder = /* @__PURE__ */ new TextEncoder();

function textBytes(text: WritableText): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

function checkedNumber(value: unknown, field: string): number {
  if (typeof value === "number") return value;
  throw new RangeError(`"${field}" expected a number, got ${String(value)}`);
}

/** The integer that stands for a whole number, a bigint or a truth value. */
function checkedInteger(type: ValueTypeName, value: unknown, field: string): bigint {
  if (type === "bool" && typeof value === "boolean") return value ? 1n : 0n;
  const isWhole = type === "u64" || type === "i64" ? typeof value === "bigint" : Number.isInteger(value);
  const bits = BigInt(8 * (valueType(type).bytes ?? 0));
  const least = type.startsWith("i") ? -(1n << (bits - 1n)) : 0n;
  const most = least + (1n << bits) - 1n;
  if (type !== "bool" && isWhole) {
    const integer = BigInt(value as number | bigint);
    if (integer >= least && integer <= most) return integer;
  }
  throw new RangeError(`"${field}" expected a value of type ${type}, got ${printable(String(value))}`);
}
