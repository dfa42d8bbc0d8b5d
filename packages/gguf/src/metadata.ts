// The key-value pairs. Values are held, arrays are only located (see gguf-array.ts).
//
//   | length: u64 | key | type: u32 | value |        string: | length: u64 | bytes |
//                                                   array:  | item type: u32 | length: u64 | items, without types |

import { type BoundedReader, printable } from "@ll/bytes";
import { decodeText, GgufArray } from "./gguf-array.ts";
import { MAX_DEPTH, MAX_HELD_ITEMS, MAX_KEY_BYTES, MAX_TEXT_BYTES } from "./limits.ts";
import {
  type BigType,
  MAX_VALUE_TYPE_ID,
  type NumberType,
  type ValueType,
  type ValueTypeName,
  valueTypeById,
} from "./value-type.ts";

/** A value of the metadata, told apart by `type`. */
export type GgufValue =
  | { readonly type: NumberType; readonly value: number }
  | { readonly type: BigType; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | GgufText
  | GgufArray;

/** A text, which should be UTF-8 and need not be. */
export class GgufText {
  readonly type = "string";
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** With U+FFFD for what is not UTF-8. */
  get value(): string {
    return decodeText(this.bytes);
  }
}

/** Values by key, in file order. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** What a consumer that knows nothing of this package can take: plain values, and arrays by their length, short ones by their items. */
export type PlainValue =
  | number
  | bigint
  | boolean
  | string
  | { readonly length: number; readonly items?: readonly (number | bigint | boolean)[] | undefined };

/** Looks up plain values, and says which keys there are. */
export interface MetadataGetter {
  (key: string): PlainValue | undefined;
  /** In file order. */
  keys(): Iterable<string>;
}

/** `metadataGetter(file.metadata)("llama.block_count")` gives 32. */
export function metadataGetter(metadata: GgufMetadata): MetadataGetter {
  const get = (key: string): PlainValue | undefined => {
    const value = metadata.get(key);
    return value instanceof GgufArray ? value : value?.value;
  };
  return Object.assign(get, { keys: () => metadata.keys() });
}

const strictDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws GgufFormatError, naming the key where it is known */
export async function readMetadata(reader: BoundedReader, nPairs: number): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  const offsets: number[] = [];
  for (let index = 0; index < nPairs; index++) {
    reader.enter("metadata", index);
    const offset = reader.offset;
    reader.budget.takeItems(1, "key", offset);
    const key = await readName(reader, "key", MAX_KEY_BYTES);
    if (metadata.has(key)) {
      const first = offsets[[...metadata.keys()].indexOf(key)];
      throw reader.error({
        code: "E_DUP",
        offset,
        field: "key",
        expected: "every key once",
        got: printable(key),
        message: `key '${key}' is in the file twice: at byte ${first} and at byte ${offset}`,
      });
    }
    offsets.push(offset);
    metadata.set(key, await readValue(reader, key));
    reader.leave();
  }
  return metadata;
}

/** A key or tensor name. @throws GgufFormatError `E_LENGTH`, `E_OVERFLOW`, `E_TRUNC` or `E_NAME` */
export async function readName(reader: BoundedReader, field: string, maxBytes: number): Promise<string> {
  const start = reader.offset;
  const length = await reader.u64(`${field}.len`);
  if (length < 1 || length > maxBytes) {
    throw reader.error({
      code: "E_LENGTH",
      offset: start,
      field: `${field}.len`,
      expected: `1 to ${maxBytes}`,
      got: length,
      message: `a ${field} of ${length} bytes`,
    });
  }
  const offset = reader.offset;
  const bytes = await reader.bytes(length, field);
  let name: string | undefined;
  try {
    name = strictDecoder.decode(bytes);
  } catch {
    // not UTF-8
  }
  if (name !== undefined && printable(name, 8 * maxBytes) === name) return name;
  const shown = printable(name ?? String.fromCharCode(...bytes.subarray(0, 512)));
  throw reader.error({
    code: "E_NAME",
    offset,
    field,
    expected: "printable UTF-8",
    got: shown,
    message: `${field} '${shown}' is not printable UTF-8`,
  });
}

async function readValue(reader: BoundedReader, key: string): Promise<GgufValue> {
  const type = await readType(reader, "type", key);
  if (type.bytes !== undefined) {
    const bytes = await reader.bytes(type.bytes, "value");
    return readNumber(type.name, new DataView(bytes.buffer));
  }
  if (type.name === "string") {
    const length = await reader.u64("value.len");
    return new GgufText(await reader.bytes(length, "value", MAX_TEXT_BYTES));
  }
  const { itemType, length } = await readArrayHead(reader, key);
  const offset = reader.offset;
  const isHeld = itemType.bytes !== undefined && length <= MAX_HELD_ITEMS;
  const held = isHeld ? await reader.bytes(length * itemType.bytes, "value") : undefined;
  if (!isHeld) await skipItems(reader, key, itemType, length, 1);
  const byteLength = reader.offset - offset;
  return new GgufArray(reader.source, { key, itemType: itemType.name, length, offset, byteLength }, held);
}

async function readType(reader: BoundedReader, field: string, key: string): Promise<ValueType> {
  const offset = reader.offset;
  const id = await reader.u32(field);
  const type = valueTypeById(id);
  if (type !== undefined) return type;
  throw reader.error({
    code: "E_TYPE",
    offset,
    field,
    expected: `0 to ${MAX_VALUE_TYPE_ID}`,
    got: id,
    message: `'${key}' has a value of unknown type ${id}`,
  });
}

function readNumber(type: ValueTypeName, view: DataView): GgufValue {
  switch (type) {
    case "u8":
      return { type, value: view.getUint8(0) };
    case "i8":
      return { type, value: view.getInt8(0) };
    case "u16":
      return { type, value: view.getUint16(0, true) };
    case "i16":
      return { type, value: view.getInt16(0, true) };
    case "u32":
      return { type, value: view.getUint32(0, true) };
    case "i32":
      return { type, value: view.getInt32(0, true) };
    case "f32":
      return { type, value: view.getFloat32(0, true) };
    case "u64":
      return { type, value: view.getBigUint64(0, true) };
    case "i64":
      return { type, value: view.getBigInt64(0, true) };
    case "f64":
      return { type, value: view.getFloat64(0, true) };
    default:
      return { type: "bool", value: view.getUint8(0) !== 0 }; // any other byte is true, as in llama.cpp
  }
}

async function readArrayHead(reader: BoundedReader, key: string): Promise<{ itemType: ValueType; length: number }> {
  const itemType = await readType(reader, "value.type", key);
  const length = await reader.u64("value.len");
  return { itemType, length };
}

/** Steps over the items of an array, so that every length in it has been held against the bytes that are there. */
async function skipItems(
  reader: BoundedReader,
  key: string,
  itemType: ValueType,
  length: number,
  depth: number,
): Promise<void> {
  if (itemType.bytes !== undefined) {
    reader.assertCount(length, itemType.bytes, "value");
    reader.seek(reader.offset + length * itemType.bytes, "value");
    return;
  }
  if (itemType.name === "string") {
    reader.assertCount(length, 8, "value");
    for (let i = 0; i < length; i++) {
      const textBytes = reader.heldU64("value[].len") ?? (await reader.u64("value[].len"));
      reader.seek(reader.offset + textBytes, "value[]");
    }
    return;
  }
  if (depth === MAX_DEPTH) {
    throw reader.error({
      code: "E_DEPTH",
      field: "value",
      expected: `at most ${MAX_DEPTH} arrays inside each other`,
      got: "more",
      message: `'${key}' has more than ${MAX_DEPTH} arrays inside each other`,
    });
  }
  reader.assertCount(length, 12, "value");
  for (let i = 0; i < length; i++) {
    const nested = await readArrayHead(reader, key);
    await skipItems(reader, key, nested.itemType, nested.length, depth + 1);
  }
}
