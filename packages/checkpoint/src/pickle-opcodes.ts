// The opcodes that a state dict needs (Python's pickletools, protocols 2 to 4): code, name, lowest protocol and meaning in
// one table. Every other code is refused.

import { findGlobal, isCount, reduce } from "./pickle-globals.ts";
import type { PickleMachine } from "./pickle-machine.ts";
import { isKind, kindOf, type PickleDict, type PickleKey, type PickleValue } from "./pickle-values.ts";

export interface Opcode {
  readonly name: string;
  /** Lowest protocol that has it. */
  readonly protocol: 2 | 4;
  readonly run: (machine: PickleMachine) => void;
}

/** Longest integer, in bytes; sizes and offsets of real tensors need 8. */
const LONG_BYTES = 16;

/** Keys of storages are names of archive members: decimal numbers in every known file. */
const STORAGE_KEY = /^[A-Za-z0-9_]{1,64}$/;

export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  [0x80, { name: "PROTO", protocol: 2, run: setProtocol }],
  [0x95, { name: "FRAME", protocol: 4, run: (m) => m.frame(m.u64("E_FRAME")) }],
  [0x2e, { name: "STOP", protocol: 2, run: (m) => m.stop() }],
  // stack and memo
  [0x28, { name: "MARK", protocol: 2, run: (m) => m.mark() }],
  [0x68, { name: "BINGET", protocol: 2, run: (m) => m.push(m.recall(m.u8())) }],
  [0x6a, { name: "LONG_BINGET", protocol: 2, run: (m) => m.push(m.recall(m.u32())) }],
  [0x71, { name: "BINPUT", protocol: 2, run: (m) => m.remember(m.u8()) }],
  [0x72, { name: "LONG_BINPUT", protocol: 2, run: (m) => m.remember(m.u32()) }],
  [0x94, { name: "MEMOIZE", protocol: 4, run: (m) => m.rememberNext() }],
  // plain values
  [0x4e, { name: "NONE", protocol: 2, run: (m) => m.push(null) }],
  [0x88, { name: "NEWTRUE", protocol: 2, run: (m) => m.push(true) }],
  [0x89, { name: "NEWFALSE", protocol: 2, run: (m) => m.push(false) }],
  [0x4a, { name: "BININT", protocol: 2, run: (m) => m.push(m.i32()) }],
  [0x4b, { name: "BININT1", protocol: 2, run: (m) => m.push(m.u8()) }],
  [0x4d, { name: "BININT2", protocol: 2, run: (m) => m.push(m.u16()) }],
  [0x8a, { name: "LONG1", protocol: 2, run: (m) => m.push(readLong(m)) }],
  [0x47, { name: "BINFLOAT", protocol: 2, run: (m) => m.push(m.f64()) }],
  [0x58, { name: "BINUNICODE", protocol: 2, run: (m) => m.push(m.text(m.u32())) }],
  [0x8c, { name: "SHORT_BINUNICODE", protocol: 4, run: (m) => m.push(m.text(m.u8())) }],
  [0x8d, { name: "BINUNICODE8", protocol: 4, run: (m) => m.push(m.text(m.u64())) }],
  [0x55, { name: "SHORT_BINSTRING", protocol: 2, run: (m) => m.push({ kind: "bytes", bytes: m.bytes(m.u8()) }) }],
  // containers
  [0x29, { name: "EMPTY_TUPLE", protocol: 2, run: (m) => m.pushNew({ kind: "tuple", items: [] }) }],
  [0x74, { name: "TUPLE", protocol: 2, run: (m) => m.pushNew({ kind: "tuple", items: m.popToMark() }) }],
  [0x85, { name: "TUPLE1", protocol: 2, run: (m) => m.pushNew({ kind: "tuple", items: m.popMany(1) }) }],
  [0x86, { name: "TUPLE2", protocol: 2, run: (m) => m.pushNew({ kind: "tuple", items: m.popMany(2) }) }],
  [0x87, { name: "TUPLE3", protocol: 2, run: (m) => m.pushNew({ kind: "tuple", items: m.popMany(3) }) }],
  [0x5d, { name: "EMPTY_LIST", protocol: 2, run: (m) => m.pushNew({ kind: "list", items: [] }) }],
  [0x7d, { name: "EMPTY_DICT", protocol: 2, run: (m) => m.pushNew({ kind: "dict", entries: new Map() }) }],
  [0x8f, { name: "EMPTY_SET", protocol: 4, run: (m) => m.pushNew({ kind: "set" }) }],
  [0x61, { name: "APPEND", protocol: 2, run: (m) => append(m, m.popMany(1)) }],
  [0x65, { name: "APPENDS", protocol: 2, run: (m) => append(m, m.popToMark()) }],
  [0x73, { name: "SETITEM", protocol: 2, run: (m) => setItems(m, m.popMany(2)) }],
  [0x75, { name: "SETITEMS", protocol: 2, run: (m) => setItems(m, m.popToMark()) }],
  // names and what is made with them
  [0x63, { name: "GLOBAL", protocol: 2, run: (m) => m.push(findGlobal(m, m.line(), m.line())) }],
  [0x93, { name: "STACK_GLOBAL", protocol: 4, run: stackGlobal }],
  [0x52, { name: "REDUCE", protocol: 2, run: reduceTop }],
  [0x81, { name: "NEWOBJ", protocol: 2, run: newObject }],
  [0x62, { name: "BUILD", protocol: 2, run: build }],
  [0x51, { name: "BINPERSID", protocol: 2, run: persistentId }],
]);

/** Protocol 5 is 4 with buffers outside the stream, which a file cannot have. */
function setProtocol(machine: PickleMachine): void {
  const first = machine.position === 1;
  const protocol = machine.u8();
  if (!first || protocol < 2 || protocol > 4) {
    const got = first ? protocol : "PROTO after the start";
    throw machine.error("E_PICKLE_PROTO", `pickle protocol ${protocol} is not read`, { expected: "2, 3 or 4", got });
  }
  machine.protocol = protocol;
}

/** A little-endian two's complement integer; a number where it is exact. */
function readLong(machine: PickleMachine): number | bigint {
  const length = machine.u8();
  if (length > LONG_BYTES) {
    throw machine.error("E_LENGTH", "integer too long", { expected: `at most ${LONG_BYTES} bytes`, got: length });
  }
  const value = machine.bytes(length).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const signed = BigInt.asIntN(length * 8, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

/** Items go to the list below them, which stays on the stack. */
function append(machine: PickleMachine, items: PickleValue[]): void {
  const list = machine.peek();
  if (!isKind(list, "list")) throw machine.typeError("a list", list);
  for (const item of items) list.items.push(item);
}

/** Keys and values by turns go to the dict below them. @throws `E_DUP` where Python would keep the last value */
function setItems(machine: PickleMachine, items: PickleValue[]): void {
  const dict = machine.peek();
  if (!isKind(dict, "dict")) throw machine.typeError("a dict", dict);
  if (items.length % 2 !== 0) {
    const values = { expected: "pairs", got: `${items.length} values` };
    throw machine.error("E_PICKLE_TYPE", "a key without a value", values);
  }
  for (let i = 0; i < items.length; i += 2)
    setItem(machine, dict, items[i] as PickleValue, items[i + 1] as PickleValue);
}

/** Keys are plain values: Python would allow tuples as well, but no state dict has them. */
function setItem(machine: PickleMachine, dict: PickleDict, key: PickleValue, value: PickleValue): void {
  if (typeof key === "object" && key !== null) {
    throw machine.error("E_KEY", `a ${key.kind} as a key`, { expected: "a plain value", got: key.kind });
  }
  const plain: PickleKey = key;
  if (dict.entries.has(plain)) {
    throw machine.error("E_DUP", `key "${plain}" occurs twice`, { expected: "different keys", got: String(plain) });
  }
  dict.entries.set(plain, value);
}

/** Module and name come from the stack, where they may have come from the memo: only what they are in the end counts. */
function stackGlobal(machine: PickleMachine): void {
  const [module, name] = machine.popMany(2);
  if (typeof module !== "string") throw machine.typeError("a string", module as PickleValue);
  if (typeof name !== "string") throw machine.typeError("a string", name as PickleValue);
  machine.push(findGlobal(machine, module, name));
}

function reduceTop(machine: PickleMachine): void {
  const [callable, args] = machine.popMany(2);
  machine.pushNew(reduce(machine, callable as PickleValue, args as PickleValue));
}

/** `cls.__new__(cls, *args)`: for an OrderedDict the same as a call; no other allowed class is made this way. */
function newObject(machine: PickleMachine): void {
  const [type, args] = machine.popMany(2);
  if (!isKind(type, "global") || type.role !== "ordered-dict") {
    throw machine.typeError("collections.OrderedDict", type as PickleValue);
  }
  machine.pushNew(reduce(machine, type, args as PickleValue));
}

/** Sets attributes. A state dict carries its `_metadata` that way, which no tensor depends on: checked, then dropped. */
function build(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.peek();
  if (!isKind(target, "dict")) throw machine.typeError("a dict", target);
  if (!isKind(state, "dict")) throw machine.typeError("a dict of attributes", state);
}

/** `('storage', storage class, key, location, number of elements)` */
function persistentId(machine: PickleMachine): void {
  const id = machine.pop();
  const items = isKind(id, "tuple") ? id.items : [];
  const [tag, type, key, location, nElements] = items;
  if (
    items.length !== 5 ||
    tag !== "storage" ||
    !isKind(type, "global") ||
    type.elementType === undefined ||
    typeof key !== "string" ||
    !STORAGE_KEY.test(key) ||
    typeof location !== "string" ||
    !isCount(nElements)
  ) {
    const got = isKind(id, "tuple") ? `(${items.slice(0, 8).map(kindOf).join(", ")})` : kindOf(id);
    const expected = "('storage', class, key, location, count)";
    throw machine.error("E_PERSID", "persistent id is not that of a storage", { expected, got });
  }
  machine.push({ kind: "storage", key, elementType: type.elementType, nElements });
}
