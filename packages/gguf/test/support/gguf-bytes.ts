// Builds GGUF files byte by byte, also impossible ones; shares no code with the package.

export interface RawPair {
  readonly key: Uint8Array | string;
  /** Declared length of the key, if it is a lie. */
  readonly keyLen?: bigint;
  readonly type: number;
  /** The bytes after the type. */
  readonly value: Uint8Array;
}

export interface RawTensor {
  readonly name: Uint8Array | string;
  readonly nameLen?: bigint;
  readonly type?: number;
  /** Row length first. */
  readonly ne: readonly (number | bigint)[];
  readonly nDims?: number;
  /** Declared offset, if it is not where the data is. */
  readonly offset?: bigint;
  readonly data?: Uint8Array;
}

export interface RawFile {
  readonly magic?: Uint8Array | string;
  readonly version?: number;
  readonly nTensors?: bigint;
  readonly nPairs?: bigint;
  readonly pairs?: readonly RawPair[];
  readonly tensors?: readonly RawTensor[];
  /** By which data is laid out; what the file says of it is a pair like any other. */
  readonly alignment?: number;
  /** Value of the padding bytes. */
  readonly pad?: number;
  /** False: the file ends with the data of the last tensor. */
  readonly endPadding?: boolean;
  readonly tail?: Uint8Array;
}

/** [values, bytes] per block of the types that the tests use without giving data. */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  14: [256, 210],
  24: [1, 1],
};

export function ggufBytes(file: RawFile): Uint8Array {
  const pairs = file.pairs ?? [];
  const tensors = file.tensors ?? [];
  const alignment = file.alignment ?? 32;
  const parts = [utf8(file.magic ?? "GGUF"), u32(file.version ?? 3)];
  parts.push(u64(file.nTensors ?? tensors.length), u64(file.nPairs ?? pairs.length));
  for (const { key, keyLen, type, value } of pairs) {
    const bytes = utf8(key);
    parts.push(u64(keyLen ?? bytes.length), bytes, u32(type), value);
  }
  let offset = 0;
  const data: Uint8Array[] = [];
  tensors.forEach((tensor, index) => {
    const name = utf8(tensor.name);
    const bytes = tensor.data ?? pattern(dataBytes(tensor.type ?? 0, tensor.ne), index);
    parts.push(u64(tensor.nameLen ?? name.length), name, u32(tensor.nDims ?? tensor.ne.length));
    parts.push(...tensor.ne.map(u64), u32(tensor.type ?? 0), u64(tensor.offset ?? offset));
    const isLast = index === tensors.length - 1 && file.endPadding === false;
    const padding = isLast ? 0 : toMultiple(offset + bytes.length, alignment);
    data.push(bytes, new Uint8Array(padding).fill(file.pad ?? 0));
    offset += bytes.length + padding;
  });
  const header = concat(parts);
  const padding = file.endPadding === false && tensors.length === 0 ? 0 : toMultiple(header.length, alignment);
  return concat([header, new Uint8Array(padding).fill(file.pad ?? 0), ...data, file.tail ?? new Uint8Array(0)]);
}

function toMultiple(length: number, alignment: number): number {
  return (alignment - (length % alignment)) % alignment;
}

function dataBytes(type: number, ne: readonly (number | bigint)[]): number {
  const [values, bytes] = BLOCKS[type] ?? [1, 0];
  return (ne.reduce<number>((product, size) => product * Number(size), 1) / values) * bytes;
}

/** Bytes that are never zero and differ from tensor to tensor. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: length < 1e6 ? length : 0 }, (_, i) => ((i * 7 + seed * 31) % 250) + 3);
}

export function u8(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function u16(value: number): Uint8Array {
  return filled(2, (view) => view.setUint16(0, value, true));
}

export function u32(value: number): Uint8Array {
  return filled(4, (view) => view.setUint32(0, value, true));
}

export function u64(value: bigint | number): Uint8Array {
  return filled(8, (view) => view.setBigUint64(0, BigInt(value), true));
}

export function f32(value: number): Uint8Array {
  return filled(4, (view) => view.setFloat32(0, value, true));
}

function f64(value: number): Uint8Array {
  return filled(8, (view) => view.setFloat64(0, value, true));
}

export function text(value: Uint8Array | string): Uint8Array {
  const bytes = utf8(value);
  return concat([u64(bytes.length), bytes]);
}

/** The value of an array: item type, length, items. */
export function array(itemType: number, items: readonly Uint8Array[], length = BigInt(items.length)): Uint8Array {
  return concat([u32(itemType), u64(length), ...items]);
}

export const U32 = 4;
export const I32 = 5;
export const F32 = 6;
export const STRING = 8;
export const ARRAY = 9;

function filled(length: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  set(new DataView(bytes.buffer));
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export function utf8(value: Uint8Array | string): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** Metadata of every type, and arrays of every type. */
export const EVERY_PAIR: readonly RawPair[] = [
  { key: "my.u8", type: 0, value: u8(200) },
  { key: "my.i8", type: 1, value: u8(200) },
  { key: "my.u16", type: 2, value: u16(60_000) },
  { key: "my.i16", type: 3, value: u16(60_000) },
  { key: "my.u32", type: 4, value: u32(4_000_000_000) },
  { key: "my.i32", type: 5, value: u32(4_000_000_000) },
  { key: "my.f32", type: 6, value: f32(-0.1) },
  { key: "my.true", type: 7, value: u8(0x5a) },
  { key: "my.false", type: 7, value: u8(0) },
  { key: "my.string", type: 8, value: text("é🦙") },
  { key: "my.u64", type: 10, value: u64(2n ** 64n - 1n) },
  { key: "my.i64", type: 11, value: u64(2n ** 64n - 1n) },
  { key: "my.f64", type: 12, value: f64(-0.1) },
  { key: "all.u8", type: ARRAY, value: array(0, [u8(1), u8(200)]) },
  { key: "all.i8", type: ARRAY, value: array(1, [u8(1), u8(200)]) },
  { key: "all.u16", type: ARRAY, value: array(2, [u16(1), u16(60_000)]) },
  { key: "all.i16", type: ARRAY, value: array(3, [u16(1), u16(60_000)]) },
  { key: "all.u32", type: ARRAY, value: array(4, [u32(1), u32(4_000_000_000)]) },
  { key: "all.i32", type: ARRAY, value: array(5, [u32(1), u32(4_000_000_000)]) },
  { key: "all.f32", type: ARRAY, value: array(6, [f32(1), f32(-0.1)]) },
  { key: "all.bool", type: ARRAY, value: array(7, [u8(1), u8(0), u8(0x5a)]) },
  { key: "all.string", type: ARRAY, value: array(8, [text("a"), text(""), text(u8(0xff, 0x00))]) },
  { key: "all.u64", type: ARRAY, value: array(10, [u64(1), u64(2n ** 64n - 1n)]) },
  { key: "all.i64", type: ARRAY, value: array(11, [u64(1), u64(2n ** 64n - 1n)]) },
  { key: "all.f64", type: ARRAY, value: array(12, [f64(1), f64(-0.1)]) },
  { key: "all.none", type: ARRAY, value: array(8, []) },
  {
    key: "all.array",
    type: ARRAY,
    value: array(ARRAY, [array(0, [u8(7)]), array(12, [f64(2.5)]), array(ARRAY, [array(8, [text("deep")])])]),
  },
];

/** A small file with some of everything: 992 bytes. */
export function smallFile(changes: RawFile = {}): Uint8Array {
  return ggufBytes({
    pairs: [
      { key: "general.architecture", type: STRING, value: text("llama") },
      { key: "llama.block_count", type: U32, value: u32(1) },
      { key: "tokenizer.ggml.tokens", type: ARRAY, value: array(STRING, [text("<unk>"), text("\u2581a"), text("")]) },
      { key: "tokenizer.ggml.scores", type: ARRAY, value: array(F32, [f32(0), f32(-1.5), f32(-0)]) },
    ],
    tensors: [
      { name: "token_embd.weight", type: 2, ne: [32, 3] },
      { name: "output_norm.weight", ne: [3] },
      { name: "blk.0.attn_q.weight", type: 1, ne: [8, 2] },
      { name: "blk.0.ffn_down.weight", type: 14, ne: [256] },
    ],
    ...changes,
  });
}
