// What a pickle holds, as inert records: nothing here is a function, a class or anything else that can be called.

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleBytes
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleSet
  | PickleGlobal
  | PickleStorage
  | PickleTensor;

/** A byte string of Python 2 (SHORT_BINSTRING). */
interface PickleBytes {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
}

export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}

interface PickleList {
  readonly kind: "list";
  readonly items: PickleValue[];
}

/** A dict or an OrderedDict, in insertion order. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<PickleKey, PickleValue>;
}

export type PickleKey = string | number | bigint | boolean | null;

/** Always empty: no allowed opcode adds to a set. */
interface PickleSet {
  readonly kind: "set";
}

/** A name of the allow-list. */
export interface PickleGlobal {
  readonly kind: "global";
  readonly module: string;
  readonly name: string;
  readonly role: GlobalRole;
  /** Element type, for a storage class. */
  readonly elementType?: string;
}

type GlobalRole =
  | "ordered-dict"
  | "storage"
  | "rebuild-tensor"
  | "rebuild-parameter"
  | "rebuild-from-type"
  | "size"
  | "tensor-type";

/** What a persistent id stands for: elements that lie in another member of the archive. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly key: string;
  readonly elementType: string;
  readonly nElements: number;
}

/** A view of a storage. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  /** Index of the first element in the storage. */
  readonly elementIndex: number;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, per dimension. */
  readonly strides: readonly number[];
}

type Records = Extract<PickleValue, { kind: string }>;

/** Narrows a value to one kind of record. */
export function isKind<K extends Records["kind"]>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<Records, { kind: K }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}

/** A short word for a value, for messages. */
export function kindOf(value: PickleValue): string {
  if (value === null) return "None";
  return typeof value === "object" ? value.kind : typeof value;
}
