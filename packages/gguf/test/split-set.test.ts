import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ByteSource, memorySource } from "@ll/bytes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { metadataGetter, openGgufSet } from "../src/index.ts";
import { openGgufPath } from "../src/node.ts";
import { F32, f32, ggufBytes, I32, type RawPair, STRING, text, U32, u8, u16, u32, u64 } from "./support/gguf-bytes.ts";

const U16 = 2;
const split = (no: number, count: number, nTensors: number): RawPair[] => [
  { key: "split.no", type: U16, value: u16(no) },
  { key: "split.count", type: U16, value: u16(count) },
  { key: "split.tensors.count", type: I32, value: u32(nTensors) },
];
const architecture: RawPair = { key: "general.architecture", type: STRING, value: text("llama") };

/** File `no` of three, each with one tensor; the first has the metadata. */
const part = (no: number, pairs = split(no, 3, 3), name = `t${no}`): Uint8Array =>
  ggufBytes({
    pairs: no === 0 ? [architecture, ...pairs] : pairs,
    tensors: [{ name, type: 24, ne: [2], data: u8(no, no + 10) }],
  });
const source = (bytes: Uint8Array, index: number): ByteSource => memorySource(bytes, `model-${index}.gguf`);
const set = (...parts: Uint8Array[]) => openGgufSet(parts.map(source));

describe("a set", () => {
  test("has the metadata of its first file and the tensors of all", async () => {
    const files = await set(part(0), part(1), part(2));
    expect(metadataGetter(files.metadata)("general.architecture")).toBe("llama");
    expect([...files.names()]).toEqual(["t0", "t1", "t2"]);
    expect(files.tensors.map(({ shape }) => shape)).toEqual([[2], [2], [2]]);
    expect([files.name, files.files.length, files.warnings]).toEqual(["model-0.gguf", 3, []]);
    const bytes = new Uint8Array(2);
    await files.tensor("t1")?.read(0, bytes);
    expect(bytes).toEqual(u8(1, 11));
    expect(files.tensor("t3")).toBeUndefined();
  });

  test("may be one file that knows nothing of sets, or the only one of its set", async () => {
    expect([...(await set(ggufBytes({ tensors: [{ name: "x", ne: [1] }] }))).names()]).toEqual(["x"]);
    expect([...(await set(part(0, split(0, 1, 1)))).names()]).toEqual(["t0"]);
  });

  test("numbers may be of any type", async () => {
    const pairs = (no: number): RawPair[] => [
      { key: "split.no", type: U32, value: u32(no) },
      { key: "split.count", type: 10, value: u64(2) },
    ];
    expect([...(await set(part(0, pairs(0)), part(1, pairs(1)))).names()]).toEqual(["t0", "t1"]);
  });

  test.each<[string, Uint8Array[], object]>([
    [
      "SP01 a file is missing",
      [part(0), part(1)],
      { code: "E_SPLIT", file: "model-0.gguf", field: "split.count", expected: 2, got: 3 },
    ],
    [
      "SP02 out of order",
      [part(0), part(2), part(1)],
      { code: "E_SPLIT", file: "model-1.gguf", field: "split.no", expected: 1, got: 2 },
    ],
    [
      "SP03 a file twice",
      [part(0), part(1), part(1)],
      { code: "E_SPLIT", file: "model-2.gguf", field: "split.no", expected: 2, got: 1 },
    ],
    [
      "SP03 a file of no set",
      [part(0), part(1), ggufBytes({})],
      { code: "E_SPLIT", file: "model-2.gguf", field: "split.count", expected: 3, got: 1 },
    ],
    [
      "SP04 a tensor in two files",
      [part(0), part(1), part(2, split(2, 3, 3), "t0")],
      {
        code: "E_DUP",
        file: "model-2.gguf",
        field: "name",
        got: "t0",
        message: expect.stringContaining("is also in model-0.gguf"),
      },
    ],
    [
      "SP04 another number of tensors",
      [part(0, split(0, 3, 4)), part(1), part(2)],
      { code: "E_SPLIT", file: "model-0.gguf", field: "split.tensors.count", expected: 4, got: 3 },
    ],
    [
      "SP05 a number that is none",
      [part(0, [{ key: "split.count", type: STRING, value: text("1") }])],
      { code: "E_SPLIT", file: "model-0.gguf", field: "split.count", expected: "a whole number", got: "string" },
    ],
    [
      "SP05 a negative number",
      [part(0, [{ key: "split.no", type: I32, value: u32(0xffffffff) }])],
      { code: "E_SPLIT", field: "split.no", expected: "a whole number", got: "i32" },
    ],
    [
      "SP05 half a number",
      [part(0, [{ key: "split.count", type: F32, value: f32(2.5) }])],
      { code: "E_SPLIT", field: "split.count", expected: "a whole number", got: "f32" },
    ],
    [
      "SP05 more files than there are atoms",
      [part(0, [{ key: "split.count", type: 10, value: u64(2n ** 63n) }])],
      { code: "E_SPLIT", field: "split.count", expected: "a whole number" },
    ],
    [
      "SP06 half a file",
      [part(0, split(0, 2, 2)), part(1, split(1, 2, 2)).subarray(0, 40)],
      { code: "E_TRUNC", file: "model-1.gguf" },
    ],
    ["SP06 a file that is none", [part(0, split(0, 2, 2)), u8(1, 2, 3, 4)], { code: "E_MAGIC", file: "model-1.gguf" }],
  ])("%s", async (_name, parts, error) => {
    await expect(set(...parts)).rejects.toMatchObject({ name: "GgufFormatError", ...error });
  });

  test("of which one is damaged can be looked at", async () => {
    const parts = [part(0, split(0, 2, 2)), part(1, split(1, 2, 2)).subarray(0, -31)].map(source);
    await expect(openGgufSet(parts)).rejects.toMatchObject({ code: "E_TRUNC", file: "model-1.gguf" });
    const { damage, tensors } = await openGgufSet(parts, { damaged: true });
    expect([damage?.file, tensors.map(({ name }) => name)]).toEqual(["model-1.gguf", ["t0", "t1"]]);
  });

  test("of no file at all", async () => {
    await expect(openGgufSet([])).rejects.toThrow('"sources" expected 1 to 1024 files, got 0');
  });
});

describe("on disk", () => {
  let folder = "";
  const path = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ll-gguf-"));
    for (const no of [0, 1, 2]) await writeFile(path(`m-0000${no + 1}-of-00003.gguf`), part(no));
    await writeFile(path("one.gguf"), part(0, []));
    await writeFile(path("half-00001-of-00002.gguf"), part(0, split(0, 2, 2)));
    await writeFile(path("bad-00002-of-00001.gguf"), part(0));
    await writeFile(path("bad-00001-of-02000.gguf"), part(0));
    await symlink(path("loop.gguf"), path("loop.gguf"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([1, 2, 3])("any file of a set opens all: %i", async (n) => {
    const opened = await openGgufPath(path(`m-0000${n}-of-00003.gguf`));
    expect(opened.paths).toEqual([1, 2, 3].map((no) => path(`m-0000${no}-of-00003.gguf`)));
    expect([...opened.names()]).toEqual(["t0", "t1", "t2"]);
    await opened.assertUnchanged();
    await opened.close();
  });

  test("a file alone", async () => {
    const opened = await openGgufPath(path("one.gguf"));
    expect(opened.paths).toEqual([path("one.gguf")]);
    await writeFile(path("one.gguf"), part(1, []));
    await expect(opened.assertUnchanged()).rejects.toMatchObject({ code: "E_CHANGED" });
    await opened.close();
  });

  test.each([
    ["half-00001-of-00002.gguf", { name: "IoError", code: "E_IO" }], // its second file is missing
    ["bad-00002-of-00001.gguf", { name: "GgufFormatError", code: "E_SPLIT", field: "file name" }],
    ["bad-00001-of-02000.gguf", { name: "GgufFormatError", code: "E_SPLIT", field: "file name" }],
    ["none.gguf", { name: "IoError", code: "E_IO" }],
    ["loop.gguf", { name: "IoError", code: "E_IO" }],
    [".", { name: "IoError", code: "E_IO" }],
  ])("%s", async (name, error) => {
    await expect(openGgufPath(path(name))).rejects.toMatchObject(error);
  });
});
