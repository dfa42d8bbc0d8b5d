// Bad-input corpus, pickles (PP): names, opcodes and structure. Rows marked + must be read, the others must be refused with a
// complete error. What is made of tensors and state dicts is in bad-inputs-pickle-records.test.ts.

import { describe, expect, it } from "vitest";
import { PICKLE_CONTAINERS, PICKLE_MEMO, PICKLE_OPCODES, PICKLE_STACK } from "../src/limits.ts";
import { GLOBALS } from "../src/pickle-globals.ts";
import { OPCODES } from "../src/pickle-opcodes.ts";
import { concat, u32, u64 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { GADGETS } from "./support/gadgets.ts";
import * as p from "./support/pickle-writer.ts";
import { readBadPickle } from "./support/read-bad-pickle.ts";

const repeat = (n: number, ...code: Uint8Array[]): Uint8Array => {
  const once = concat(...code);
  const all = new Uint8Array(n * once.length);
  for (let i = 0; i < n; i++) all.set(once, i * once.length);
  return all;
};

describe("names", () => {
  it("PP01 os.system is refused at its own offset, whatever follows", async () => {
    const bytes = concat(p.proto(2), p.global("os", "system"), p.str("ls"), p.TUPLE1, p.REDUCE, [0xff, 0xff]);
    const error = await expectRejected(() => readBadPickle(bytes), "E_GLOBAL");
    expect(error.got).toBe("os.system");
    expect(error.offset).toBe(64 + 2);
  });

  it("PP02 lists at least 70 names", () => {
    expect(new Set(GADGETS.map((gadget) => gadget.join("\n"))).size).toBeGreaterThanOrEqual(70);
  });

  type Encoding = (module: string, name: string) => Uint8Array;
  const encodings: readonly (readonly [row: string, encode: Encoding, code: string])[] = [
    ["PP02 GLOBAL", (m, n) => p.pickle(p.global(m, n), p.EMPTY_TUPLE, p.REDUCE), "E_GLOBAL"],
    ["PP03 GLOBAL without PROTO", (m, n) => concat(p.global(m, n), "(tR."), "E_GLOBAL"],
    ["PP03 STACK_GLOBAL", (m, n) => p.pickle4(p.shortStr(m), p.shortStr(n), p.STACK_GLOBAL), "E_GLOBAL"],
    [
      "PP03 STACK_GLOBAL over memo strings",
      (m, n) => p.pickle4(p.str(m), p.put(300), p.str(n), p.put(1), p.EMPTY_LIST, p.get(300), p.get(1), p.STACK_GLOBAL),
      "E_GLOBAL",
    ],
    ["PP03 INST", (m, n) => p.pickle(p.MARK, concat(`i${m}\n${n}\n`)), "E_PICKLE_OP"],
    ["PP03 OBJ", (m, n) => p.pickle(p.MARK, p.global(m, n), concat("o")), "E_GLOBAL"],
    ["PP03 NEWOBJ", (m, n) => p.pickle(p.global(m, n), p.EMPTY_TUPLE, p.NEWOBJ), "E_GLOBAL"],
    ["PP03 NEWOBJ_EX", (m, n) => p.pickle4(p.shortStr(m), p.shortStr(n), p.STACK_GLOBAL, concat([0x92])), "E_GLOBAL"],
    ["PP03 STRING operands", (m, n) => p.pickle4(concat(`S'${m}'\nS'${n}'\n`), p.STACK_GLOBAL), "E_PICKLE_OP"],
    ["PP03 PERSID", (m, n) => p.pickle(concat(`P${m}.${n}\n`)), "E_PICKLE_OP"],
  ];
  it.each(encodings)("%s of every gadget", async (_, encode, code) => {
    for (const [module, name] of GADGETS) await expectRejected(() => readBadPickle(encode(module, name)), code);
  });

  const codes: readonly (readonly [name: string, code: readonly number[]])[] = [
    ["EXT1", [0x82, 1]],
    ["EXT2", [0x83, 1, 0]],
    ["EXT4", [0x84, 1, 0, 0, 0]],
    ["OBJ", [0x6f]],
    ["NEWOBJ_EX", [0x92]],
    ["PERSID", [0x50, 0x31, 0x0a]],
    ["INT", [0x49, 0x31, 0x0a]],
    ["UNICODE", [0x56, 0x31, 0x0a]],
    ["BYTEARRAY8", [0x96, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["NEXT_BUFFER", [0x97]],
    ["READONLY_BUFFER", [0x98]],
    ["ADDITEMS", [0x90]],
    ["FROZENSET", [0x91]],
    ["DUP", [0x32]],
    ["POP", [0x30]],
    ["POP_MARK", [0x31]],
    ["SHORT_BINBYTES", [0x43, 0]],
    ["LONG4", [0x8b, 0, 0, 0, 0]],
    ["nothing known", [0xff]],
  ];
  it.each(codes)("PP03 the opcode %s", async (_, code) => {
    const values = concat(p.MARK, p.EMPTY_LIST, p.NONE, p.NONE);
    await expectRejected(() => readBadPickle(p.pickle4(values, concat(code))), "E_PICKLE_OP");
  });

  it("PP03 an opcode of protocol 4 in a pickle of protocol 2", async () => {
    await expectRejected(() => readBadPickle(p.pickle(p.shortStr("x"))), "E_PICKLE_OP");
  });

  it.each([
    ["torch._utils", "x.y"],
    ["torch", "_utils._rebuild_tensor_v2"],
    ["torch._utils._rebuild_tensor_v2", ""],
    ["", "torch._utils._rebuild_tensor_v2"],
    ["__builtin__", "set"],
    ["torch", "FloatStorage "],
    ["torch", "floatstorage"],
    ["torch", "FloatStorage.__init__"],
    ["collections", "__proto__"],
    ["__proto__", "constructor"],
  ])("PP04 %s and %s are no exact pair", async (module, name) => {
    await expectRejected(() => readBadPickle(p.pickle(p.global(module, name))), "E_GLOBAL");
    await expectRejected(() => readBadPickle(p.pickle4(p.str(module), p.str(name), p.STACK_GLOBAL)), "E_GLOBAL");
  });

  it("PP04 a line feed in a name does not make two names one", async () => {
    const pair = p.pickle4(p.str("torch\nFloatStorage"), p.str(""), p.STACK_GLOBAL);
    await expectRejected(() => readBadPickle(pair), "E_GLOBAL");
  });

  it("keeps to at most 16 names and 40 opcodes", () => {
    expect(GLOBALS.length).toBeLessThanOrEqual(16);
    expect(OPCODES.size).toBeLessThanOrEqual(40);
  });
});

describe("structure", () => {
  const nested = concat(p.NONE, repeat(500_000, p.TUPLE1));
  const rows: readonly (readonly [row: string, bytes: Uint8Array | (() => Uint8Array), code: string])[] = [
    ["PP08 underflow", p.pickle(p.NONE, p.TUPLE2), "E_PICKLE_STACK"],
    ["PP08 a value below a MARK", p.pickle(p.NONE, p.MARK, p.TUPLE1), "E_PICKLE_STACK"],
    ["PP08 no MARK", p.pickle(p.NONE, p.TUPLE), "E_PICKLE_STACK"],
    ["PP08 STOP on nothing", p.pickle(), "E_PICKLE_STACK"],
    ["PP08 STOP on two values", p.pickle(p.NONE, p.NONE), "E_PICKLE_STACK"],
    ["PP08 STOP with a MARK", p.pickle(p.MARK, p.NONE), "E_PICKLE_STACK"],
    ["PP08 no STOP", concat(p.proto(2), p.NONE), "E_TRUNC"],
    ["PP08 no bytes", new Uint8Array(0), "E_TRUNC"],
    ["PP08 end inside BININT", concat(p.proto(2), "J\x01\x02"), "E_TRUNC"],
    ["PP08 end inside BINUNICODE", concat(p.proto(2), "X", u32(5), "abc"), "E_TRUNC"],
    ["PP08 end inside GLOBAL", concat(p.proto(2), "ctorch\nFloat"), "E_TRUNC"],
    ["PP09 GET of nothing", p.pickle(p.get(0)), "E_MEMO"],
    ["PP09 LONG_BINGET of nothing", p.pickle(p.get(2 ** 32 - 1)), "E_MEMO"],
    ["PP09 PUT 2^32 - 1", p.pickle(p.NONE, p.put(2 ** 32 - 1)), "E_MEMO"],
    ["PP09 PUT with nothing to put", p.pickle(p.put(0)), "E_PICKLE_STACK"],
    ["PP09 1 M memo entries", () => concat(p.proto(4), p.NONE, repeat(900_000, p.MEMOIZE), p.STOP), "E_LIMIT"],
    ["PP10 frame shorter than the next operation", concat(p.proto(4), p.frame(2), "M\x01\x01."), "E_FRAME"],
    ["PP10 frame in a frame", concat(p.proto(4), p.frame(11), p.frame(2), "N."), "E_FRAME"],
    ["PP10 frame of 2^63", concat(p.proto(4), p.frame(2n ** 63n), "N."), "E_FRAME"],
    ["PP10 frame past the end", concat(p.proto(4), p.frame(3), "N."), "E_FRAME"],
    ["PP11 BINUNICODE8 of 2^63", concat(p.proto(4), [0x8d], u64(2n ** 63n), "x"), "E_LENGTH"],
    ["PP11 BINUNICODE8 past the end", concat(p.proto(4), [0x8d], u64(100), "x"), "E_TRUNC"],
    ["PP11 LONG4 of -1", concat(p.proto(2), [0x8b], u32(0xffffffff), "."), "E_PICKLE_OP"],
    ["PP11 LONG1 of 255 bytes", p.pickle(p.long1(1n, 255)), "E_LENGTH"],
    ["PP12 DUP", p.pickle(p.NONE, concat("2")), "E_PICKLE_OP"],
    ["PP12 doubling by GET", doubling(40), "E_LIMIT"],
    ["PP12 500 000 nested tuples", () => concat(p.proto(2), nested, p.STOP), "E_LIMIT"],
    ["PP12 65 nested lists", p.pickle(repeat(65, p.EMPTY_LIST), repeat(64, p.APPEND)), "E_LIMIT"],
    ["PP12 a dict in itself", p.pickle(p.EMPTY_DICT, p.put(0), p.str("a"), p.get(0), p.SETITEM), "E_CYCLE"],
    [
      "PP12 a list in itself, through a tuple",
      p.pickle(p.EMPTY_LIST, p.put(0), p.get(0), p.TUPLE1, p.APPEND),
      "E_CYCLE",
    ],
    ["PP12 too many operations", () => concat(p.proto(2), p.NONE, repeat(PICKLE_OPCODES, p.put(0)), p.STOP), "E_LIMIT"],
    [
      "PP12 too many values on the stack",
      () => concat(p.proto(2), repeat(PICKLE_STACK + 1, p.NONE), p.STOP),
      "E_LIMIT",
    ],
    [
      "PP12 too many containers",
      () => p.pickle(p.EMPTY_LIST, repeat(PICKLE_CONTAINERS, p.EMPTY_LIST, p.APPEND)),
      "E_LIMIT",
    ],
    ["PP12 too many marks", () => concat(p.proto(2), repeat(PICKLE_STACK + 1, p.MARK), p.STOP), "E_LIMIT"],
    [
      "PP13 duplicate key",
      p.pickle(
        p.dict([
          ["a", p.NONE],
          ["a", p.NONE],
        ]),
      ),
      "E_DUP",
    ],
    ["PP13 bytes as a key", p.pickle(p.EMPTY_DICT, p.py2Str("a"), p.NONE, p.SETITEM), "E_KEY"],
    ["PP13 a tuple as a key", p.pickle(p.EMPTY_DICT, p.EMPTY_TUPLE, p.NONE, p.SETITEM), "E_KEY"],
    ["PP15 a second pickle", concat(p.pickle(p.NONE), p.pickle(p.NONE)), "E_TRAILING"],
    ["PP15 a byte after STOP", concat(p.pickle(p.NONE), [0]), "E_TRAILING"],
    ["PP16 protocol 0", concat(p.proto(0), "N."), "E_PICKLE_PROTO"],
    ["PP16 protocol 1", concat(p.proto(1), "N."), "E_PICKLE_PROTO"],
    ["PP16 protocol 5", concat(p.proto(5), "N."), "E_PICKLE_PROTO"],
    ["PP16 protocol 255", concat(p.proto(255), "N."), "E_PICKLE_PROTO"],
    ["PP16 PROTO twice", p.pickle(p.proto(2), p.NONE), "E_PICKLE_PROTO"],
    ["text that is not UTF-8", p.pickle(concat("X", u32(1), [0xff])), "E_UTF8"],
  ];
  it.each(rows)("%s", async (_, input, code) => {
    await expectRejected(() => readBadPickle(typeof input === "function" ? input() : input), code);
  });

  function doubling(times: number): Uint8Array {
    return p.pickle(p.EMPTY_TUPLE, ...Array.from({ length: times }, (_, i) => concat(p.put(i), p.get(i), p.TUPLE2)));
  }

  it("PP09 + the memo may hold all that it may hold", () => {
    expect(readBadPickle(concat(p.proto(4), p.NONE, repeat(PICKLE_MEMO, p.MEMOIZE), p.STOP))).toBeNull();
  });

  it("PP12 + as many containers as there may be", () => {
    const allowed = p.pickle(p.EMPTY_LIST, repeat(PICKLE_CONTAINERS - 1, p.EMPTY_LIST, p.APPEND));
    expect(readBadPickle(allowed)).toMatchObject({ kind: "list" });
  });

  it("PP12 + as many operations as there may be", () => {
    const allowed = concat(p.proto(2), p.NONE, repeat(PICKLE_OPCODES - 3, p.put(0)), p.STOP);
    expect(readBadPickle(allowed)).toBeNull();
  });

  it("PP12 + values that are shared, but not too often", () => {
    expect(readBadPickle(doubling(20))).toMatchObject({ kind: "tuple" });
  });

  it("PP16 + protocols 2, 3 and 4, frames and all", () => {
    for (const protocol of [2, 3, 4]) expect(readBadPickle(concat(p.proto(protocol), "N."))).toBeNull();
    expect(readBadPickle(concat(p.proto(4), p.frame(2), "N."))).toBeNull();
    expect(readBadPickle(concat(p.proto(4), p.frame(1), "N", p.frame(2), p.MEMOIZE, "."))).toBeNull();
    const items = [p.shortStr("a"), p.EMPTY_SET, p.TUPLE2];
    expect(readBadPickle(p.pickle4(...items))).toEqual({ kind: "tuple", items: ["a", { kind: "set" }] });
  });

  it("+ reads every kind of number", () => {
    const ints = [0, 255, 65535, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, Number.MAX_SAFE_INTEGER];
    expect(readBadPickle(p.pickle(p.tuple(...ints.map(p.int))))).toEqual({ kind: "tuple", items: ints });
    expect(readBadPickle(p.pickle(p.long1(-1n, 1)))).toBe(-1);
    expect(readBadPickle(p.pickle(p.long1(0n, 0)))).toBe(0);
    expect(readBadPickle(p.pickle(p.int(2n ** 63n)))).toBe(2n ** 63n);
    expect(readBadPickle(p.pickle(p.float(-0.5)))).toBe(-0.5);
  });
});
