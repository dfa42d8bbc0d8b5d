// Bad-input corpus, pickles (PP): arguments, storages and state dicts. Rows marked + must be read, the others must be refused
// with a complete error.

import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import type { PickleDict, PickleTensor } from "../src/pickle-values.ts";
import { openTorchCheckpoint } from "../src/torch-checkpoint.ts";
import { openZipArchive } from "../src/zip-archive.ts";
import { concat, f32s } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";
import { readAll } from "./support/files.ts";
import * as p from "./support/pickle-writer.ts";
import { readBadPickle } from "./support/read-bad-pickle.ts";
import { zip } from "./support/zip-writer.ts";

/** A checkpoint whose pickle is `bytes`, with one storage of 16 f32 values under the key 0. */
async function open(bytes: Uint8Array) {
  const entries = [
    { name: "archive/data.pkl", data: bytes },
    { name: "archive/data/0", data: f32s(Array.from({ length: 16 }, (_, i) => i)) },
  ];
  return openTorchCheckpoint(await openZipArchive(memorySource(zip({ entries }), "bad.pth")));
}

const TENSOR = p.tensor({ key: "0", numel: 16, shape: [4, 4] });

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
    [
      "PP05 torch.Size of rank 9",
      p.pickle(p.global("torch", "Size"), p.tuple(ints(...Array(9).fill(1))), p.REDUCE),
      "E_ARGS",
    ],
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
    await expectRejected(() => readBadPickle(bytes), code);
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

  // found by fuzzing: reading it threw a RangeError
  it("PP06 + a tensor without elements may begin past the end of its storage", async () => {
    const empty = p.tensor({ key: "0", numel: 16, shape: [0, 4], offset: 147 });
    const { tensors } = await open(p.pickle(p.dict([["t", empty]])));
    expect(await tensors.get("t")!.read(0, new Uint8Array(0))).toBeUndefined();
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
    await expectRejected(() => readBadPickle(p.pickle(id, p.BINPERSID)), "E_PERSID");
  });

  it("PP14 an unknown storage class", async () => {
    const id = p.tuple(p.str("storage"), p.global("torch", "UntypedStorage"), p.str("0"), p.str("cpu"), p.int(1));
    await expectRejected(() => readBadPickle(p.pickle(id, p.BINPERSID)), "E_GLOBAL");
  });

  it("PP14 + a storage that was on a GPU", () => {
    const value = readBadPickle(
      p.pickle(p.tensor({ key: "0", numel: 16, shape: [4, 4], location: "cuda:0" })),
    ) as PickleTensor;
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
    const value = readBadPickle(p.pickle(hooks, p.MARK, ...items, p.SETITEMS, metadata)) as PickleDict;
    expect([...value.entries.keys()]).toEqual(["p", "s", "z"]);
    expect(value.entries.get("p")).toEqual(value.entries.get("s"));
    expect(value.entries.get("z")).toEqual({ kind: "tuple", items: [2, 3] });
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
