import { memorySink, memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { createGgufWriter, type GgufPlan, ggufFileBytes, openGguf, type WritableValue } from "../src/index.ts";
import { array, concat, F32, ggufBytes, I32, STRING, text, U32, u8, u32, utf8 } from "./support/gguf-bytes.ts";

const plan: GgufPlan = {
  metadata: new Map<string, WritableValue>([
    ["general.architecture", { type: "string", value: "llama" }],
    ["llama.block_count", { type: "u32", value: 1 }],
    ["tokenizer.ggml.tokens", { type: "array", itemType: "string", items: ["<unk>", "\u2581a", u8(0x80)] }],
    ["tokenizer.ggml.token_type", { type: "array", itemType: "i32", items: Int32Array.of(2, 1, -1) }],
  ]),
  tensors: [
    { name: "a", type: "f16", shape: [2, 3] },
    { name: "b", type: "q4_0", shape: [32] },
  ],
};

const A = u8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
const B = new Uint8Array(18).fill(0x11);

/** The same file, byte by byte. */
const EXPECTED = ggufBytes({
  pairs: [
    { key: "general.architecture", type: STRING, value: text("llama") },
    { key: "llama.block_count", type: U32, value: u32(1) },
    { key: "tokenizer.ggml.tokens", type: 9, value: array(STRING, [text("<unk>"), text("\u2581a"), text(u8(0x80))]) },
    { key: "tokenizer.ggml.token_type", type: 9, value: array(I32, [u32(2), u32(1), u32(0xffffffff)]) },
  ],
  tensors: [
    { name: "a", type: 1, ne: [3, 2], data: A },
    { name: "b", type: 2, ne: [32], data: B },
  ],
});

async function write(plan: GgufPlan, data: Record<string, Uint8Array[]>): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = await createGgufWriter(sink, plan);
  for (const [name, pieces] of Object.entries(data)) await writer.writeTensor(name, pieces);
  await writer.finish();
  return sink.bytes();
}

describe("a file", () => {
  test("is what the specification says, byte for byte", async () => {
    const bytes = await write(plan, { a: [A.subarray(0, 5), A.subarray(5)], b: [B] });
    expect(bytes).toEqual(EXPECTED);
    expect(ggufFileBytes(plan)).toBe(EXPECTED.length);
    const file = await openGguf(memorySource(bytes), { strict: true });
    expect(file.tensor("a")).toMatchObject({ type: "f16", shape: [2, 3], byteLength: 12 });
  });

  test("with another alignment", async () => {
    const metadata = new Map<string, WritableValue>([["general.alignment", { type: "u32", value: 1 }]]);
    const bytes = await write({ metadata, tensors: plan.tensors }, { a: [A], b: [B] });
    const pairs = [{ key: "general.alignment", type: U32, value: u32(1) }];
    const tensors = [
      { name: "a", type: 1, ne: [3, 2], data: A },
      { name: "b", type: 2, ne: [32], data: B },
    ];
    expect(bytes).toEqual(ggufBytes({ alignment: 1, pairs, tensors }));
  });

  test("without tensors ends at a multiple of 32", async () => {
    expect(await write({ metadata: new Map(), tensors: [] }, {})).toEqual(ggufBytes({}));
  });

  test("keeps the bits of numbers", async () => {
    const items = Float32Array.of(-0, Number.MIN_VALUE, 1e-45, Number.NaN, Number.POSITIVE_INFINITY);
    const metadata = new Map<string, WritableValue>([["k", { type: "array", itemType: "f32", items }]]);
    const bytes = await write({ metadata, tensors: [] }, {});
    const pairs = [
      { key: "k", type: 9, value: concat([u32(F32), utf8("\x05\0\0\0\0\0\0\0"), new Uint8Array(items.buffer)]) },
    ];
    expect(bytes).toEqual(ggufBytes({ pairs }));
  });
});

describe("refused", () => {
  const withValue = (value: unknown, key = "k"): GgufPlan => ({
    metadata: new Map([[key, value as WritableValue]]),
    tensors: [],
  });
  const withTensor = (tensor: object): GgufPlan => ({
    metadata: new Map(),
    tensors: [{ name: "x", type: "f32", shape: [4], ...tensor }],
  });
  const nested = (depth: number): unknown =>
    depth === 0
      ? { type: "array", itemType: "u8", items: [] }
      : { type: "array", itemType: "array", items: [nested(depth - 1)] };

  test.each<[string, GgufPlan, string]>([
    [
      "an empty key",
      withValue({ type: "u8", value: 1 }, ""),
      '"key" expected 1 to 65535 bytes of printable UTF-8, got ',
    ],
    ["a key with a control character", withValue({ type: "u8", value: 1 }, "a\x1b"), "got a\\x1b"],
    ["a long key", withValue({ type: "u8", value: 1 }, "é".repeat(32768)), '"key" expected 1 to 65535 bytes'],
    ["an unknown type", withValue({ type: "u7", value: 1 }), '"type" expected one of u8, i8'],
    ["u8 256", withValue({ type: "u8", value: 256 }), '"k" expected a value of type u8, got 256'],
    ["u8 -1", withValue({ type: "u8", value: -1 }), "got -1"],
    ["i8 128", withValue({ type: "i8", value: 128 }), "type i8, got 128"],
    ["i8 -129", withValue({ type: "i8", value: -129 }), "type i8, got -129"],
    ["u32 1.5", withValue({ type: "u32", value: 1.5 }), "type u32, got 1.5"],
    ["u32 NaN", withValue({ type: "u32", value: Number.NaN }), "type u32, got NaN"],
    ["u32 1n", withValue({ type: "u32", value: 1n }), "type u32, got 1"],
    ["u64 1", withValue({ type: "u64", value: 1 }), "type u64, got 1"],
    ["u64 2^64", withValue({ type: "u64", value: 2n ** 64n }), "type u64, got 18446744073709551616"],
    ["i64 2^63", withValue({ type: "i64", value: 2n ** 63n }), "type i64, got 9223372036854775808"],
    ["bool 1", withValue({ type: "bool", value: 1 }), "type bool, got 1"],
    ["f32 1n", withValue({ type: "f32", value: 1n }), '"k" expected a number, got 1'],
    ["f64 text", withValue({ type: "f64", value: "1" }), '"k" expected a number, got 1'],
    ["a lone surrogate", withValue({ type: "string", value: "\ud800" }), '"k" expected a well-formed text or bytes'],
    ["no text", withValue({ type: "string", value: 5 }), '"k" expected a well-formed text or bytes, got 5'],
    ["a long text", withValue({ type: "string", value: new Uint8Array(2 ** 26 + 1) }), "at most 67108864 bytes"],
    [
      "an item",
      withValue({ type: "array", itemType: "u8", items: [1, 300] }),
      '"k[1]" expected a value of type u8, got 300',
    ],
    [
      "a text item",
      withValue({ type: "array", itemType: "string", items: ["a", null] }),
      '"k[1]" expected a well-formed',
    ],
    ["arrays inside each other", withValue(nested(4)), '"k" expected at most 4 arrays inside each other'],
    [
      "many pairs",
      { metadata: new Map(Array.from({ length: 1025 }, (_, i) => [`${i}`, { type: "u8", value: 1 }])), tensors: [] },
      '"metadata" expected at most 1024, got 1025',
    ],
    [
      "an alignment",
      withValue({ type: "u32", value: 24 }, "general.alignment"),
      '"general.alignment" expected a u32 that is a power of two',
    ],
    ["an alignment of 0", withValue({ type: "u32", value: 0 }, "general.alignment"), "a power of two"],
    ["an alignment of 4 MiB", withValue({ type: "u32", value: 2 ** 22 }, "general.alignment"), "up to 2097152"],
    ["an alignment as i32", withValue({ type: "i32", value: 32 }, "general.alignment"), "expected a u32"],
    ["an empty name", withTensor({ name: "" }), '"name" expected 1 to 64 bytes'],
    ["a long name", withTensor({ name: "x".repeat(65) }), '"name" expected 1 to 64 bytes'],
    ["a removed type", withTensor({ type: "q4_2" }), '"type" expected one of f32, f16, q4_0'],
    ["five dimensions", withTensor({ shape: [1, 1, 1, 1, 1] }), '"shape" expected at most 4, got 5'],
    [
      "half a block",
      withTensor({ type: "q4_0", shape: [2, 48] }),
      '"shape" expected rows of a multiple of 32 for q4_0, got 48',
    ],
    ["a size of -1", withTensor({ shape: [-1] }), '"shape" expected sizes from 0, got -1'],
    ["2^53 bytes", withTensor({ shape: [2 ** 51] }), '"shape" expected under 2^53 bytes, got 9007199254740992'],
    [
      "a name twice",
      { metadata: new Map(), tensors: [...plan.tensors, ...plan.tensors] },
      "every name once, got a twice",
    ],
    [
      "2^53 bytes in all",
      { metadata: new Map(), tensors: ["a", "b"].map((name) => ({ name, type: "i8", shape: [2 ** 52] })) },
      '"tensors" expected less than 2^53 bytes in all',
    ],
    [
      "many tensors",
      { metadata: new Map(), tensors: Array(4097).fill({ name: "a", type: "i8", shape: [] }) },
      "at most 4096, got 4097",
    ],
  ])("%s", async (_name, bad, message) => {
    const sink = memorySink();
    await expect(createGgufWriter(sink, bad)).rejects.toThrow(RangeError);
    await expect(createGgufWriter(sink, bad)).rejects.toThrow(message);
    expect(() => ggufFileBytes(bad)).toThrow(message);
    expect(sink.bytesWritten).toBe(0);
  });

  test("tensors out of order, of another size, or missing", async () => {
    const begin = () => createGgufWriter(memorySink(), plan);
    await expect((await begin()).writeTensor("b", [B])).rejects.toThrow('"name" expected a, got b');
    await expect((await begin()).writeTensor("a", [A.subarray(1)])).rejects.toThrow(
      '"pieces" expected 12 bytes for tensor a, got 11',
    );
    await expect((await begin()).writeTensor("a", [A, A])).rejects.toThrow("got more");
    const writer = await begin();
    await expect(writer.finish()).rejects.toThrow('"finish" expected 2 complete tensors, got 0');
    await writer.writeTensor("a", [A]);
    await expect(writer.writeTensor("a", [A])).rejects.toThrow('"name" expected b, got a');
    await writer.writeTensor("b", [B]);
    await expect(writer.writeTensor("c", [])).rejects.toThrow('"name" expected no tensor, got c');
    await writer.finish();
  });

  test("a writer whose tensor failed takes no other", async () => {
    const writer = await createGgufWriter(memorySink(), plan);
    await expect(writer.writeTensor("a", [])).rejects.toThrow(RangeError);
    await expect(writer.writeTensor("b", [B])).rejects.toThrow('"name" expected no tensor, got b');
    await expect(writer.finish()).rejects.toThrow("got 0");
  });
});
