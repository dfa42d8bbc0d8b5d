// Types of metadata values: ids and sizes as in the GGUF specification (docs/gguf.md of ggml), names as llama.cpp prints them, but
// "string" and "array" in full.

/** Numbers of up to 53 bits, which are `number`s here. */
export type NumberType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64";
/** Numbers of 64 bits, which are `bigint`s here. */
export type BigType = "u64" | "i64";
export type ValueTypeName = NumberType | BigType | "bool" | "string" | "array";

export interface ValueType {
  /** The number in the file. */
  readonly id: number;
  readonly name: ValueTypeName;
  /** Bytes of one value; undefined for those that carry their length. */
  readonly bytes: number | undefined;
}

const VALUE_TYPES: readonly ValueType[] = [
  { id: 0, name: "u8", bytes: 1 },
  { id: 1, name: "i8", bytes: 1 },
  { id: 2, name: "u16", bytes: 2 },
  { id: 3, name: "i16", bytes: 2 },
  { id: 4, name: "u32", bytes: 4 },
  { id: 5, name: "i32", bytes: 4 },
  { id: 6, name: "f32", bytes: 4 },
  { id: 7, name: "bool", bytes: 1 },
  { id: 8, name: "string", bytes: undefined },
  { id: 9, name: "array", bytes: undefined },
  { id: 10, name: "u64", bytes: 8 },
  { id: 11, name: "i64", bytes: 8 },
  { id: 12, name: "f64", bytes: 8 },
];

/** Largest id in use. */
export const MAX_VALUE_TYPE_ID = 12;

const byId: ReadonlyMap<number, ValueType> = /* @__PURE__ */ new Map(VALUE_TYPES.map((type) => [type.id, type]));
const byName: ReadonlyMap<string, ValueType> = /* @__PURE__ */ new Map(VALUE_TYPES.map((type) => [type.name, type]));

export function valueTypeById(id: number): ValueType | undefined {
  return byId.get(id);
}

/** @throws RangeError if there is no such type. */
export function valueType(name: string): ValueType {
  const type = byName.get(name);
  if (type === undefined) {
    throw new RangeError(`"type" expected one of ${[...byName.keys()].join(", ")}, got ${JSON.stringify(name)}`);
  }
  return type;
}
