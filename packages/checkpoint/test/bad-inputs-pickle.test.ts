// Bad-input corpus, pickles (PP): rows marked + must be read, the others must be refused with a complete error.

import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { PICKLE_MEMO, PICKLE_OPCODES, PICKLE_STACK } from "../src/limits.ts";
import { openCheckpoint } from "../src/open-checkpoint.ts";
import { readPickle } from "../src/pickle.ts";
import { OPCODES } from "../src/pickle-opcodes.ts";
import type { PickleDict, PickleTensor } from "../src/pickle-values.ts";
import { openTorchCheckpoint } from "../src/torch-checkpoint.ts";
import { openZipArchive } from "../src/zip-archive.ts";
import { concat, f32s, u32, u64 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { directoryWith, readAll } from "./support/files.ts";
import { GADGETS } from "./support/gadgets.ts";
import * as p from "./support/pickle-writer.ts";
import { metaTensors, PARAMS_JSON } from "./support/tiny-model.ts";
import { type TensorData, torchFile } from "./support/torch-writer.ts";
import { zip } from "./support/zip-writer.ts";

const read = (bytes: Uint8Array) => readPickle(bytes, { file: "bad.pth", baseOffset: 64 });

/** A checkpoint whose pickle is `bytes`, with one storage of 16 f32 values under the key 0. */
async function open(bytes: Uint8Array) {
  const entries = [
    { name: "archive/data.pkl", data: bytes },
    { name: "archive/data/0", data: f32s(Array.from({ length: 16 }, (_, i) => i)) },
  ];
  return openTorchCheckpoint(await openZipArchive(memorySource(zip({ entries }), "bad.pth")));
}

const TENSOR = p.tensor({ key: "0", numel: 16, shape: [4, 4] });
const repeat = (n: number, ...code: Uint8Array[]): Uint8Array => {
  const once = concat(...code);
  const all = new Uint8Array(n * once.length);
  for (let i = 0; i < n; i++) all.set(once, i * once.length);
  return all;
};

describe("names", () => {
  it("PP01 os.system is refused at its own offset, whatever follows", async () => {
    const bytes = concat(p.proto(2), p.global("os", "system"), p.str("ls"), p.TUPLE1, p.REDUCE, [0xff, 0xff]);
    const error = await expectRejected(() => read(bytes), "E_GLOBAL");
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
    for (const [module, name] of GADGETS) await expectRejected(() => read(encode(module, name)), code);
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
    await expectRejected(() => read(p.pickle4(values, concat(code))), "E_PICKLE_OP");
  });

  it("PP03 an opcode of protocol 4 in a pickle of protocol 2", async () => {
    await expectRejected(() => read(p.pickle(p.shortStr("x"))), "E_PICKLE_OP");
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
    await expectRejected(() => read(p.pickle(p.global(module, name))), "E_GLOBAL");
    await expectRejected(() => read(p.pickle4(p.str(module), p.str(name), p.STACK_GLOBAL)), "E_GLOBAL");
  });

  it("PP04 a line feed in a name does not make two names one", async () => {
    const pair = p.pickle4(p.str("torch\nFloatStorage"), p.str(""), p.STACK_GLOBAL);
    await expectRejected(() => read(pair), "E_GLOBAL");
  });

  it("keeps to at most 16 names and 40 opcodes", () => {
    expect(OPCODES.size).toBeLessThanOrEqual(40);
  });
});

describe("what is made with names", () => {
  const rebuild = (...items: Uint8Array[]) =>
    p.pickle(p.global("torch._utils", "_rebuild_tensor_v2"), p.tuple(...items), p.REDUCE);
  const storage = p.storage({ key: "0", numel: 16, shape: [] });
  const ints = (...values: (number | bigint)[]) => p.tuple(...values.map(p.int));
  const hooks = concat(p.global("collections", "OrderedDict"), p.EMPTY_TUPLE, p.REDUCE);
  const good = [storage, p.int(0), ints(4, 4), ints(4, 1), p.FALSE, hooks] as const;
  const but = (index: number, code: Uint8Array) => good.map((item, i) => (i === index ? code : item));

  const rows: readonly (readonly [row: string, bytes: Uint8Array, code: string])[] = [
    ["PP05 2 arguments", rebuild(storage, p.int(0)), "E_ARGS"],
    ["PP05 8 arguments", rebuild(...good, p.NONE, p.NONE), "E_ARGS"],
    ["PP05 strings", rebuild(...but(2, p.str("44"))), "E_ARGS"],
    ["PP05 a string for the storage", rebuild(...but(0, p.str("0"))), "E_ARGS"],
    ["PP05 negative size", rebuild(...but(2, ints(-4, 4))), "E_ARGS"],
    ["PP05 negative stride", rebuild(...but(3, ints(4, -1))), "E_ARGS"],
    ["PP05 negative offset", rebuild(...but(1, p.int(-1))), "E_ARGS"],
    ["PP05 fractional size", rebuild(...but(2, p.tuple(p.float(1.5), p.int(4)))), "E_ARGS"],
    ["PP05 size over 2^53", rebuild(...but(2, ints(2n ** 60n, 4))), "E_ARGS"],
    ["PP05 unequal ranks", rebuild(...but(3, ints(4))), "E_ARGS"],
    ["PP05 rank 9", rebuild(...but(2, ints(1, 1, 1, 1, 1, 1, 1, 1, 1))), "E_ARGS"],
    ["PP05 a number for requires_grad", rebuild(...but(4, p.int(0))), "E_ARGS"],
    [
      "PP05 arguments to OrderedDict",
      p.pickle(p.global("collections", "OrderedDict"), p.int(1), p.TUPLE1, p.REDUCE),
      "E_ARGS",
    ],
    ["PP05 a storage class called", p.pickle(p.global("torch", "FloatStorage"), p.EMPTY_TUPLE, p.REDUCE), "E_ARGS"],
    ["PP05 torch.Tensor called", p.pickle(p.global("torch", "Tensor"), p.EMPTY_TUPLE, p.REDUCE), "E_ARGS"],
    ["PP05 torch.Size of text", p.pickle(p.global("torch", "Size"), p.tuple(p.tuple(p.str("1"))), p.REDUCE), "E_ARGS"],
    [
      "PP05 a parameter of a number",
      p.pickle(p.global("torch._utils", "_rebuild_parameter"), p.tuple(p.int(1), p.TRUE, hooks), p.REDUCE),
      "E_ARGS",
    ],
    [
      "PP05 _rebuild_from_type_v2 around something else",
      p.pickle(
        p.global("torch._tensor", "_rebuild_from_type_v2"),
        p.tuple(p.global("torch", "Size"), p.global("torch", "Tensor"), p.tuple(ints(1)), p.NONE),
        p.REDUCE,
      ),
      "E_ARGS",
    ],
    [
      "PP05 arguments in a list",
      p.pickle(p.global("collections", "OrderedDict"), p.EMPTY_LIST, p.REDUCE),
      "E_PICKLE_TYPE",
    ],
    ["PP05 a call of text", p.pickle(p.str("os.system"), p.EMPTY_TUPLE, p.REDUCE), "E_PICKLE_TYPE"],
    ["PP06 size times stride past the storage", rebuild(...but(3, ints(8, 1))), "E_STORAGE"],
    ["PP06 offset past the storage", rebuild(...but(1, p.int(1))), "E_STORAGE"],
    ["PP06 products over 2^64", rebuild(...but(3, ints(2n ** 53n - 1n, 1))), "E_STORAGE"],
    ["PP06 stride 0, 10^18 elements", rebuild(...but(2, ints(10n ** 9n, 10n ** 9n)).with(3, ints(0, 0))), "E_AMPLIFY"],
    ["PP06 stride 0, 2^60 elements", rebuild(...but(2, ints(2n ** 30n, 2n ** 30n)).with(3, ints(0, 0))), "E_AMPLIFY"],
    ["PP07 SETITEM on a list", p.pickle(p.EMPTY_LIST, p.str("a"), p.NONE, p.SETITEM), "E_PICKLE_TYPE"],
    ["PP07 APPEND to a dict", p.pickle(p.EMPTY_DICT, p.NONE, p.APPEND), "E_PICKLE_TYPE"],
    ["PP07 APPENDS to a tuple", p.pickle(p.EMPTY_TUPLE, p.MARK, p.NONE, p.APPENDS), "E_PICKLE_TYPE"],
    ["PP07 BUILD on a storage", p.pickle(storage, p.EMPTY_DICT, p.BUILD), "E_PICKLE_TYPE"],
    ["PP07 BUILD on a name", p.pickle(p.global("torch", "FloatStorage"), p.EMPTY_DICT, p.BUILD), "E_PICKLE_TYPE"],
    ["PP07 BUILD with a tuple", p.pickle(p.EMPTY_DICT, p.EMPTY_TUPLE, p.BUILD), "E_PICKLE_TYPE"],
    ["PP07 odd SETITEMS", p.pickle(p.EMPTY_DICT, p.MARK, p.str("a"), p.SETITEMS), "E_PICKLE_TYPE"],
    ["PP07 NEWOBJ of torch.Size", p.pickle(p.global("torch", "Size"), p.EMPTY_TUPLE, p.NEWOBJ), "E_PICKLE_TYPE"],
    ["PP07 STACK_GLOBAL of numbers", p.pickle4(p.int(1), p.int(2), p.STACK_GLOBAL), "E_PICKLE_TYPE"],
  ];
  it.each(rows)("%s", async (_, bytes, code) => {
    await expectRejected(() => read(bytes), code);
  });

  it("PP06 + a transposed tensor is read right", async () => {
    const { tensors } = await open(
      p.pickle(p.dict([["t", p.tensor({ key: "0", numel: 16, shape: [4, 4], strides: [1, 4] })]])),
    );
    const values = new Float32Array((await readAll(tensors.get("t")!)).buffer);
    expect([...values]).toEqual([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]);
  });

  it("PP06 + an expanded row is read right", async () => {
    const { tensors } = await open(
      p.pickle(p.dict([["t", p.tensor({ key: "0", numel: 16, shape: [3, 4], strides: [0, 1], offset: 4 })]])),
    );
    const values = new Float32Array((await readAll(tensors.get("t")!)).buffer);
    expect([...values]).toEqual([4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7]);
  });

  it("PP06 a storage that is not as long as the pickle says", async () => {
    await expectRejected(
      () => open(p.pickle(p.dict([["t", p.tensor({ key: "0", numel: 8, shape: [8] })]]))),
      "E_STORAGE",
    );
  });

  const ids: readonly (readonly [row: string, id: Uint8Array])[] = [
    ["a list", concat(p.EMPTY_LIST, p.str("storage"), p.APPEND)],
    ["text", p.str("storage")],
    ["('module', …)", p.tuple(p.str("module"), p.global("torch", "FloatStorage"), p.str("0"), p.str("cpu"), p.int(1))],
    ["4 items", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("0"), p.str("cpu"))],
    ["torch.Size as storage", p.tuple(p.str("storage"), p.global("torch", "Size"), p.str("0"), p.str("cpu"), p.int(1))],
    ["storage class as text", p.tuple(p.str("storage"), p.str("FloatStorage"), p.str("0"), p.str("cpu"), p.int(1))],
    ["key ../0", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("../0"), p.str("cpu"), p.int(1))],
    ["empty key", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str(""), p.str("cpu"), p.int(1))],
    [
      "numel 2^63",
      p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("0"), p.str("cpu"), p.int(2n ** 63n)),
    ],
    ["numel -1", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("0"), p.str("cpu"), p.int(-1))],
    ["numel 1.5", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("0"), p.str("cpu"), p.float(1.5))],
    ["location None", p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.str("0"), p.NONE, p.int(1))],
  ];
  it.each(ids)("PP14 persistent id: %s", async (_, id) => {
    await expectRejected(() => read(p.pickle(id, p.BINPERSID)), "E_PERSID");
  });

  it("PP14 an unknown storage class", async () => {
    const id = p.tuple(p.str("storage"), p.global("torch", "UntypedStorage"), p.str("0"), p.str("cpu"), p.int(1));
    await expectRejected(() => read(p.pickle(id, p.BINPERSID)), "E_GLOBAL");
  });

  it("PP14 + a storage that was on a GPU", () => {
    const value = read(p.pickle(p.tensor({ key: "0", numel: 16, shape: [4, 4], location: "cuda:0" }))) as PickleTensor;
    expect(value).toMatchObject({
      kind: "tensor",
      shape: [4, 4],
      strides: [4, 1],
      storage: { key: "0", nElements: 16 },
    });
  });

  it("+ reads parameters, tensors with state, sizes and the metadata of a state dict", () => {
    const parameter = concat(p.global("torch._utils", "_rebuild_parameter"), p.tuple(TENSOR, p.TRUE, hooks), p.REDUCE);
    const withState = concat(
      p.global("torch._tensor", "_rebuild_from_type_v2"),
      p.tuple(
        p.global("torch._utils", "_rebuild_tensor_v2"),
        p.global("torch", "Tensor"),
        p.tuple(...good),
        p.EMPTY_DICT,
      ),
      p.REDUCE,
    );
    const size = concat(p.global("torch", "Size"), p.tuple(ints(2, 3)), p.REDUCE);
    const items = [p.str("p"), parameter, p.str("s"), withState, p.str("z"), size];
    const metadata = concat(p.EMPTY_DICT, p.str("_metadata"), p.EMPTY_DICT, p.SETITEM, p.BUILD);
    const value = read(p.pickle(hooks, p.MARK, ...items, p.SETITEMS, metadata)) as PickleDict;
    expect([...value.entries.keys()]).toEqual(["p", "s", "z"]);
    expect(value.entries.get("p")).toEqual(value.entries.get("s"));
    expect(value.entries.get("z")).toEqual({ kind: "tuple", items: [2, 3] });
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
    await expectRejected(() => read(typeof input === "function" ? input() : input), code);
  });

  function doubling(times: number): Uint8Array {
    return p.pickle(p.EMPTY_TUPLE, ...Array.from({ length: times }, (_, i) => concat(p.put(i), p.get(i), p.TUPLE2)));
  }

  it("PP09 + the memo may hold all that it may hold", () => {
    expect(read(concat(p.proto(4), p.NONE, repeat(PICKLE_MEMO, p.MEMOIZE), p.STOP))).toBeNull();
  });

  it("PP12 + values that are shared, but not too often", () => {
    expect(read(doubling(20))).toMatchObject({ kind: "tuple" });
  });

  it("PP16 + protocols 2, 3 and 4, frames and all", () => {
    for (const protocol of [2, 3, 4]) expect(read(concat(p.proto(protocol), "N."))).toBeNull();
    expect(read(concat(p.proto(4), p.frame(2), "N."))).toBeNull();
    expect(read(concat(p.proto(4), p.frame(1), "N", p.frame(2), p.MEMOIZE, "."))).toBeNull();
    const items = [p.shortStr("a"), p.EMPTY_SET, p.TUPLE2];
    expect(read(p.pickle4(...items))).toEqual({ kind: "tuple", items: ["a", { kind: "set" }] });
  });

  it("+ reads every kind of number", () => {
    const ints = [0, 255, 65535, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, Number.MAX_SAFE_INTEGER];
    expect(read(p.pickle(p.tuple(...ints.map(p.int))))).toEqual({ kind: "tuple", items: ints });
    expect(read(p.pickle(p.long1(-1n, 1)))).toBe(-1);
    expect(read(p.pickle(p.long1(0n, 0)))).toBe(0);
    expect(read(p.pickle(p.int(2n ** 63n)))).toBe(2n ** 63n);
    expect(read(p.pickle(p.float(-0.5)))).toBe(-0.5);
  });
});

describe("state dicts", () => {
  const rows: readonly (readonly [row: string, code: Uint8Array, code: string])[] = [
    ["PP13 key __proto__", p.dict([["__proto__", TENSOR]]), "E_NAME"],
    ["PP13 key of 1 MiB", p.dict([["x".repeat(1 << 20), TENSOR]]), "E_NAME"],
    ["PP13 empty key", p.dict([["", TENSOR]]), "E_NAME"],
    ["PP13 key with an escape sequence", p.dict([["\x1b]0;x\x07", TENSOR]]), "E_NAME"],
    ["PP13 int key", concat(p.EMPTY_DICT, p.int(1), TENSOR, p.SETITEM), "E_KEY"],
    ["PP13 None key", concat(p.EMPTY_DICT, p.NONE, TENSOR, p.SETITEM), "E_KEY"],
    ["no dict at all", p.EMPTY_LIST, "E_PICKLE_TYPE"],
    ["a tensor alone", TENSOR, "E_PICKLE_TYPE"],
  ];
  it.each(rows)("%s", async (_, ops, code) => {
    await expectRejected(() => open(p.pickle(ops)), code);
  });

  it("PP13 + entries that are no tensors are listed, and names from Object are names", async () => {
    const { tensors, otherNames } = await open(
      p.pickle(
        p.dict([
          ["step", p.int(1)],
          ["constructor", TENSOR],
          ["lr", p.float(1)],
        ]),
      ),
    );
    expect([...tensors.keys()]).toEqual(["constructor"]);
    expect(otherNames).toEqual(["step", "lr"]);
  });
});

describe("PP17 shards", () => {
  const whole = metaTensors();
  const isColumnSplit = (name: string) => /^tok_embeddings|attention\.wo\.|feed_forward\.w2\./.test(name);

  /** Every `n`-th slice, as Meta cuts its models. */
  function slice(index: number, n: number): Map<string, TensorData> {
    return new Map(
      [...whole].map(([name, data]): [string, TensorData] => {
        if (data.shape.length === 1) return [name, data];
        const [rows, columns] = data.shape as [number, number];
        const shape = isColumnSplit(name) ? [rows, columns / n] : [rows / n, columns];
        const rowBytes = data.bytes.length / rows;
        const cut = isColumnSplit(name)
          ? concat(
              ...Array.from({ length: rows }, (_, r) =>
                data.bytes.subarray(r * rowBytes + (index * rowBytes) / n, r * rowBytes + ((index + 1) * rowBytes) / n),
              ),
            )
          : data.bytes.subarray((index * rows * rowBytes) / n, ((index + 1) * rows * rowBytes) / n);
        return [name, { ...data, shape, bytes: cut }];
      }),
    );
  }
  const files = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`consolidated.0${i}.pth`, torchFile(slice(i, n))]));

  it("+ two files are one model", async () => {
    const checkpoint = await openCheckpoint(directoryWith({ ...files(2), "params.json": PARAMS_JSON }));
    for (const [name, data] of whole) expect(await readAll(checkpoint.tensor(name)!, 100)).toEqual(data.bytes);
    await checkpoint.close();
  });

  it("the files disagree in names", async () => {
    const less = slice(1, 2);
    less.delete("norm.weight");
    const model = { ...files(2), "consolidated.01.pth": torchFile(less), "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
    const swapped = { ...model, "consolidated.00.pth": torchFile(less), "consolidated.01.pth": torchFile(slice(1, 2)) };
    await expectRejected(() => openCheckpoint(directoryWith(swapped)), "E_SHARD");
  });

  it("the files disagree in shapes", async () => {
    const other = slice(1, 2).set("layers.0.attention.wq.weight", {
      type: "f32",
      shape: [4, 16],
      bytes: new Uint8Array(256),
    });
    const model = { ...files(2), "consolidated.01.pth": torchFile(other), "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("the files disagree in types", async () => {
    const f16 = metaTensors(undefined, "f16").get("norm.weight")!;
    const model = {
      ...files(2),
      "consolidated.01.pth": torchFile(slice(1, 2).set("norm.weight", f16)),
      "params.json": PARAMS_JSON,
    };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("file 01 of 02 is missing", async () => {
    const { "consolidated.00.pth": first } = files(2);
    const model = { "consolidated.00.pth": first!, "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });

  it("a file in the middle is missing", async () => {
    const { "consolidated.01.pth": _, ...rest } = files(2);
    const model = { ...rest, "consolidated.02.pth": rest["consolidated.00.pth"]!, "params.json": PARAMS_JSON };
    await expectRejected(() => openCheckpoint(directoryWith(model)), "E_SHARD");
  });
});
