// An assembler for pickles: each function gives the bytes of one or a few operations.

import { concat, u16, u32, u64 } from "./bytes.ts";

type Code = Uint8Array;

const op = (text: string, ...operands: Uint8Array[]): Code => concat(text, ...operands);

export const MARK: Code = op("(");
export const STOP: Code = op(".");
export const REDUCE: Code = op("R");
export const NEWOBJ: Code = concat([0x81]);
export const BUILD: Code = op("b");
export const NONE: Code = op("N");
export const TRUE: Code = concat([0x88]);
export const FALSE: Code = concat([0x89]);
export const EMPTY_TUPLE: Code = op(")");
export const EMPTY_LIST: Code = op("]");
export const EMPTY_DICT: Code = op("}");
export const EMPTY_SET: Code = concat([0x8f]);
export const TUPLE: Code = op("t");
export const TUPLE1: Code = concat([0x85]);
export const TUPLE2: Code = concat([0x86]);
export const APPEND: Code = op("a");
export const APPENDS: Code = op("e");
export const SETITEM: Code = op("s");
export const SETITEMS: Code = op("u");
export const BINPERSID: Code = op("Q");
export const STACK_GLOBAL: Code = concat([0x93]);
export const MEMOIZE: Code = concat([0x94]);

export const proto = (version: number): Code => concat([0x80, version]);
export const frame = (length: number | bigint): Code => concat([0x95], u64(length));
export const global = (module: string, name: string): Code => op(`c${module}\n${name}\n`);
export const str = (text: string): Code => {
  const bytes = new TextEncoder().encode(text);
  return concat("X", u32(bytes.length), bytes);
};
export const shortStr = (text: string): Code => {
  const bytes = new TextEncoder().encode(text);
  return concat([0x8c, bytes.length], bytes);
};
export const py2Str = (text: string): Code => concat("U", [text.length], text);
export const float = (value: number): Code => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, false);
  return concat("G", bytes);
};
export const put = (index: number): Code => (index < 256 ? concat("q", [index]) : concat("r", u32(index)));
export const get = (index: number): Code => (index < 256 ? concat("h", [index]) : concat("j", u32(index)));

/** An integer the way Python's pickler writes it. */
export const int = (value: number | bigint): Code => {
  if (value >= 0 && value < 256) return concat("K", [Number(value)]);
  if (value >= 0 && value < 65536) return concat("M", u16(Number(value)));
  if (value >= -(2 ** 31) && value < 2 ** 31) return concat("J", u32(Number(value) >>> 0));
  return long1(BigInt(value), 9);
};
export const long1 = (value: bigint, nBytes: number): Code => {
  const bytes = Uint8Array.from({ length: nBytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
  return concat([0x8a, nBytes], bytes);
};
export const tuple = (...items: Code[]): Code => concat(MARK, ...items, TUPLE);

/** PROTO, the operations, STOP. */
export const pickle = (...ops: Code[]): Uint8Array => concat(proto(2), ...ops, STOP);
export const pickle4 = (...ops: Code[]): Uint8Array => concat(proto(4), ...ops, STOP);

export interface TensorFields {
  readonly storage?: string; // class name
  readonly key: string;
  readonly numel: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly location?: string;
}

export const storage = ({ storage: type = "FloatStorage", key, numel, location = "cpu" }: TensorFields): Code =>
  concat(tuple(str("storage"), global("torch", type), str(key), str(location), int(numel)), BINPERSID);

const ORDERED_DICT = concat(global("collections", "OrderedDict"), EMPTY_TUPLE, REDUCE);

export const tensor = (fields: TensorFields): Code =>
  concat(
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple(
      storage(fields),
      int(fields.offset ?? 0),
      tuple(...fields.shape.map(int)),
      tuple(...(fields.strides ?? rowMajor(fields.shape)).map(int)),
      FALSE,
      ORDERED_DICT,
    ),
    REDUCE,
  );

/** Strides of a contiguous tensor. */
function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
}

/** A dict of names and whatever code makes their values. */
export const dict = (entries: Iterable<readonly [string, Code]>): Code =>
  concat(EMPTY_DICT, MARK, ...[...entries].flatMap(([key, value]) => [str(key), value]), SETITEMS);
