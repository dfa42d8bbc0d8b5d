import { type ByteSource, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import {
  GgufArray,
  type GgufFile,
  isGgufFormatError,
  metadataGetter,
  openGguf,
  type ValueTypeName,
} from "../src/index.ts";
import { openGgufPath } from "../src/node.ts";
import { ARRAY, array, EVERY_PAIR, ggufBytes, STRING, smallFile, text, u8, utf8 } from "./support/gguf-bytes.ts";

const open = (bytes: Uint8Array): Promise<GgufFile> => openGguf(memorySource(bytes, "model.gguf"));

async function items(file: GgufFile, key: string): Promise<unknown> {
  const value = file.metadata.get(key);
  if (!(value instanceof GgufArray)) return expect.unreachable(`${key} is no array`);
  return value.read(value.itemType);
}

describe("metadata", () => {
  test("of every type, in file order", async () => {
    const file = await open(ggufBytes({ pairs: EVERY_PAIR }));
    expect([...file.metadata.keys()]).toEqual(EVERY_PAIR.map(({ key }) => key));
    const scalars = [...file.metadata].filter(([key]) => key.startsWith("my."));
    expect(scalars.map(([key, value]) => [key.slice(3), value.type, "value" in value && value.value])).toEqual([
      ["u8", "u8", 200],
      ["i8", "i8", -56],
      ["u16", "u16", 60_000],
      ["i16", "i16", -5536],
      ["u32", "u32", 4_000_000_000],
      ["i32", "i32", -294_967_296],
      ["f32", "f32", Math.fround(-0.1)],
      ["true", "bool", true],
      ["false", "bool", false],
      ["string", "string", "é🦙"],
      ["u64", "u64", 2n ** 64n - 1n],
      ["i64", "i64", -1n],
      ["f64", "f64", -0.1],
    ]);
    expect(file.metadata.get("my.string")).toMatchObject({ bytes: utf8("é🦙") });
  });

  test("arrays of every type", async () => {
    const file = await open(ggufBytes({ pairs: EVERY_PAIR }));
    expect(await items(file, "all.u8")).toEqual(Uint8Array.of(1, 200));
    expect(await items(file, "all.i8")).toEqual(Int8Array.of(1, -56));
    expect(await items(file, "all.u16")).toEqual(Uint16Array.of(1, 60_000));
    expect(await items(file, "all.i16")).toEqual(Int16Array.of(1, -5536));
    expect(await items(file, "all.u32")).toEqual(Uint32Array.of(1, 4_000_000_000));
    expect(await items(file, "all.i32")).toEqual(Int32Array.of(1, -294_967_296));
    expect(await items(file, "all.f32")).toEqual(Float32Array.of(1, -0.1));
    expect(await items(file, "all.bool")).toEqual([true, false, true]);
    expect(await items(file, "all.string")).toEqual([utf8("a"), u8(), u8(0xff, 0)]);
    expect(await items(file, "all.u64")).toEqual(BigUint64Array.of(1n, 2n ** 64n - 1n));
    expect(await items(file, "all.i64")).toEqual(BigInt64Array.of(1n, -1n));
    expect(await items(file, "all.f64")).toEqual(Float64Array.of(1, -0.1));
    expect(await items(file, "all.none")).toEqual([]);
    // the numbers of the second stand at no multiple of their size
    expect(await items(file, "all.array")).toEqual([
      { itemType: "u8", items: Uint8Array.of(7) },
      { itemType: "f64", items: Float64Array.of(2.5) },
      { itemType: "array", items: [{ itemType: "string", items: [utf8("deep")] }] },
    ]);
  });

  test("short arrays of numbers and truth values are held, no others", async () => {
    const pairs = [
      { key: "layers", type: ARRAY, value: array(0, [u8(3, 0, 7)], 3n) },
      { key: "flags", type: ARRAY, value: array(7, [u8(1, 0)], 2n) },
      { key: "long", type: ARRAY, value: array(0, [new Uint8Array(513)], 513n) },
      { key: "texts", type: ARRAY, value: array(STRING, [text("a")]) },
    ];
    const get = metadataGetter((await open(ggufBytes({ pairs }))).metadata);
    expect(get("layers")).toMatchObject({ length: 3, items: [3, 0, 7] });
    expect(get("flags")).toMatchObject({ length: 2, items: [true, false] });
    expect((get("long") as GgufArray).items).toBeUndefined();
    expect((get("texts") as GgufArray).items).toBeUndefined();
  });

  test("an array is read as what it is and as nothing else", async () => {
    const file = await open(ggufBytes({ pairs: EVERY_PAIR }));
    const scores = file.metadata.get("all.u8") as GgufArray;
    expect([scores.type, scores.itemType, scores.length]).toEqual(["array", "u8", 2]);
    const others: ValueTypeName[] = ["f32", "i8", "bool", "string"];
    for (const other of others) {
      await expect(scores.read(other)).rejects.toMatchObject({
        name: "GgufFormatError",
        code: "E_TYPE",
        file: "model.gguf",
        field: "all.u8",
        expected: other,
        got: "u8",
      });
    }
  });

  test("an array that is another one when it is read", async () => {
    const pairs = [
      { key: "a", type: ARRAY, value: array(STRING, [text("four"), text("five")]) },
      { key: "b", type: ARRAY, value: array(ARRAY, [array(0, [u8(1, 2, 3)], 3n)]) },
    ];
    const bytes = ggufBytes({ pairs });
    const file = await open(bytes);
    bytes[24 + 8 + 1 + 4 + 12 + 12] = 200; // the second text's length
    bytes[24 + 49 + 8 + 1 + 4 + 12] = 99; // the inner array's type
    const gone = { code: "E_TRUNC", message: expect.stringContaining("changed since the file was opened") };
    await expect((file.metadata.get("a") as GgufArray).read("string")).rejects.toMatchObject(gone);
    await expect((file.metadata.get("b") as GgufArray).read("array")).rejects.toMatchObject(gone);
  });

  test("more texts than can be held are refused when they are read", async () => {
    const n = 2_000_001;
    const bytes = ggufBytes({
      pairs: [{ key: "a", type: ARRAY, value: array(STRING, [new Uint8Array(8 * n)], BigInt(n)) }],
    });
    const file = await open(bytes);
    const texts = file.metadata.get("a") as GgufArray;
    await expect(texts.read("string")).rejects.toMatchObject({ code: "E_LIMIT", expected: "at most 2000000", got: n });
  });

  test("as plain values", async () => {
    const get = metadataGetter((await open(smallFile())).metadata);
    expect(get("general.architecture")).toBe("llama");
    expect(get("llama.block_count")).toBe(1);
    expect(get("tokenizer.ggml.tokens")).toMatchObject({ length: 3 });
    expect(get("llama.rope.freq_base")).toBeUndefined();
  });
});

describe("opening", () => {
  test("reads the header once and no data", async () => {
    const bytes = smallFile();
    const reads: [number, number][] = [];
    const watched: ByteSource = {
      name: "w",
      byteLength: bytes.length,
      async read(offset, target) {
        reads.push([offset, target.length]);
        target.set(bytes.subarray(offset, offset + target.length));
      },
    };
    const file = await openGguf(watched, { chunkBytes: 64 });
    expect(reads.every(([offset, length]) => offset + length <= file.dataOffset + 64)).toBe(true);
    const before = reads.length;
    const target = new Uint8Array(2);
    await file.tensor("blk.0.attn_q.weight")?.read(6, target);
    expect(reads.slice(before)).toEqual([[file.tensor("blk.0.attn_q.weight")!.dataOffset + 6, 2]]);
    await expect(file.tensor("output_norm.weight")?.read(4, new Uint8Array(9))).rejects.toThrow(RangeError);
  });

  test("errors are known by class, name and code", async () => {
    const error = await open(utf8("GGUF")).catch((reason: unknown) => reason);
    expect(isGgufFormatError(error)).toBe(true);
    expect(isGgufFormatError(error, "E_TRUNC")).toBe(true);
    expect(isGgufFormatError(error, "E_MAGIC")).toBe(false);
    expect(isGgufFormatError(new Error("x"))).toBe(false);
  });

  test("a tensor beyond 4 GiB of a file that is mostly hole", async () => {
    const size = 5 * 2 ** 30;
    const whole = ggufBytes({
      tensors: [
        { name: "hole", type: 24, ne: [size], data: u8() },
        { name: "x", type: 24, ne: [4], offset: BigInt(size), data: u8(1, 2, 3, 4) },
      ],
    });
    const dataStart = whole.length - 32;
    const sparse: ByteSource = {
      name: "sparse",
      byteLength: whole.length + size,
      async read(offset, target) {
        // the hole lies before the last 32 bytes
        for (let i = 0; i < target.length; i++) {
          const at = offset + i;
          target[i] = at < dataStart ? whole[at]! : at < dataStart + size ? 0 : whole[at - size]!;
        }
      },
    };
    const file = await openGguf(sparse);
    const target = new Uint8Array(4);
    expect(file.tensor("x")?.dataOffset).toBe(dataStart + size);
    await file.tensor("x")?.read(0, target);
    expect(target).toEqual(u8(1, 2, 3, 4));
  });
});

describeWithTestData("LLaMA's vocabulary as GGUF", () => {
  test("opens, and has 32,000 pieces", async () => {
    const file = await openGgufPath(testData("vocab/llama-spm.gguf"));
    const get = metadataGetter(file.metadata);
    expect(get("llama.context_length")).toBe(4096);
    expect(get("tokenizer.ggml.add_bos_token")).toBe(true);
    const tokens = await (file.metadata.get("tokenizer.ggml.tokens") as GgufArray).read("string");
    expect(tokens).toHaveLength(32_000);
    expect(tokens[29_871]).toEqual(utf8("\u2581"));
    const scores = await (file.metadata.get("tokenizer.ggml.scores") as GgufArray).read("f32");
    expect([...scores.subarray(258, 262)]).toEqual([0, -1_000_000_000, -1, -2]);
    expect(file.warnings).toEqual([]);
    await file.assertUnchanged();
    await file.close();
  });
});
