// Tensor entries and data.

import { expect } from "vitest";
import type { GgufFile } from "../../src/index.ts";
import { ggufBytes, pattern, type RawFile, type RawTensor, smallFile, U32, u8, u32 } from "../support/gguf-bytes.ts";
import { overflow, PAIRS, type Refused, type Row, truncated } from "./row.ts";

const one = (tensor: Partial<RawTensor>, file: RawFile = {}): Uint8Array =>
  ggufBytes({ tensors: [{ name: "x", ne: [4], ...tensor }], ...file });

// places inside the entry of a tensor with a name of one byte and one dimension
const N_DIMS = PAIRS + 9;
const NE = N_DIMS + 4;
const TYPE = NE + 8;
const OFFSET = TYPE + 4;

const nameLength = (got: number): Refused => ["E_LENGTH", PAIRS, "tensors[0].name.len", "1 to 64", got];

const names: readonly Row[] = [
  {
    id: "TENSORS_BAD_NAME_SIZE",
    input: "the name of test-gguf.cpp",
    bytes: one({ name: "my_tensor_0_with_a_very_long_name_which_is_longer_than_what_is_allowed_for_ggml_tensors" }),
    refused: nameLength(87),
  },
  { id: "GJ12", input: "a name of 65 bytes", bytes: one({ name: "n".repeat(65) }), refused: nameLength(65) },
  { id: "GJ12", input: "an empty name", bytes: one({ name: "" }), refused: nameLength(0) },
  { id: "GJ12", input: "a name of 1 MiB", bytes: one({ nameLen: 1n << 20n }), refused: nameLength(1 << 20) },
  {
    id: "GJ12",
    input: "a name of 2^64-1 bytes",
    bytes: one({ nameLen: 2n ** 64n - 1n }),
    refused: overflow(PAIRS, "tensors[0].name.len"),
  },
  {
    id: "GJ12",
    input: "a name of 64 bytes",
    bytes: one({ name: "n".repeat(64) }),
    check: (file) => expect(file.tensor("n".repeat(64))?.byteLength).toBe(16),
  },
  ...(
    [
      ["not UTF-8", u8(0x61, 0xff), "aÿ"],
      ["newline", "a\nb", "a\\x0ab"],
      ["OSC 52", "\x1b]52;c;AA\x1b\\", "\\x1b]52;c;AA\\x1b\\"],
    ] as const
  ).map(([input, name, shown]): Row => {
    const says = `name '${shown}' is not printable UTF-8`;
    const refused: Refused = ["E_NAME", PAIRS + 8, "tensors[0].name", "printable UTF-8", shown, says];
    return { id: "GJ13", input: `name: ${input}`, bytes: one({ name }), refused };
  }),
  {
    id: "GJ14",
    input: "__proto__",
    bytes: one({ name: "__proto__" }),
    check: (file) => expect([...file.names()]).toEqual(["__proto__"]),
  },
  {
    id: "TENSORS_DUPLICATE_NAME",
    input: "a name twice",
    bytes: ggufBytes({ tensors: [1, 2, 1].map((n) => ({ name: `x${n}`, ne: [4] })) }),
    refused: ["E_DUP", PAIRS + 2 * 34, "tensors[2].name", "every name once", "x1", "at byte 24 and at byte 92"],
  },
];

const shapes: readonly Row[] = [
  ...[5, 0xffffffff].map((nDims): Row => {
    const refused: Refused = ["E_RANGE", N_DIMS, "tensors[0].n_dims", "0 to 4", nDims];
    return { id: "TENSORS_BAD_N_DIMS", input: `${nDims} dimensions`, bytes: one({ nDims }), refused };
  }),
  {
    id: "TENSORS_BAD_SHAPE",
    input: "a size of -1",
    bytes: one({ ne: [2n ** 64n - 1n] }),
    refused: overflow(NE, "tensors[0].ne[0]"),
  },
  {
    id: "TENSORS_ZERO_DIM",
    input: "[32, 0] and [0]",
    bytes: ggufBytes({
      tensors: [
        { name: "a", type: 2, ne: [32, 0] },
        { name: "b", ne: [0] },
        { name: "c", ne: [1] },
      ],
    }),
    check: (file) =>
      expect(file.tensors.map(({ shape, byteLength, dataOffset }) => [shape, byteLength, dataOffset])).toEqual([
        [[0, 32], 0, 160],
        [[0], 0, 160],
        [[1], 4, 160],
      ]),
  },
  {
    id: "TENSORS_ZERO_DIM",
    input: "no dimensions: one value",
    bytes: one({ ne: [] }),
    check: (file) => expect(file.tensor("x")).toMatchObject({ shape: [], byteLength: 4 }),
  },
  {
    id: "TENSORS_NE_TOO_BIG",
    input: "(4 (2^31-1))^2 values",
    bytes: one({ ne: [8_589_934_588, 8_589_934_588] }),
    refused: ["E_OVERFLOW", NE, "tensors[0].ne", "less than 2^53 bytes", String(8_589_934_588n ** 2n * 4n)],
  },
  {
    id: "TENSORS_NBYTES_TOO_BIG",
    input: "fewer than 2^63 values of 8 bytes, more than 2^64 bytes",
    bytes: one({ type: 27, ne: [1_533_000_000, 1_533_000_000] }),
    refused: ["E_OVERFLOW", NE, "tensors[0].ne", "less than 2^53 bytes", String(1_533_000_000n ** 2n * 8n)],
  },
  {
    id: "GJ16",
    input: "q4_0: values × 18 wraps 2^64",
    bytes: one({ type: 2, ne: [2n ** 31n, 2n ** 31n] }),
    refused: ["E_OVERFLOW", NE, "tensors[0].ne", "less than 2^53 bytes", String(2n ** 57n * 18n)],
  },
  {
    id: "GJ16",
    input: "four dimensions whose product wraps to 0",
    bytes: one({ type: 24, ne: [2n ** 32n, 2n ** 32n, 1n, 1n] }),
    refused: ["E_OVERFLOW", NE, "tensors[0].ne", "less than 2^53 bytes", String(2n ** 64n)],
  },
  {
    id: "GJ17",
    input: "q4_0 with rows of 33",
    bytes: one({ type: 2, ne: [33, 32] }),
    refused: ["E_BLOCK", NE, "tensors[0].ne", "rows of a multiple of 32", "33 x 32"],
  },
  {
    id: "GJ17",
    input: "q4_0 without dimensions",
    bytes: one({ type: 2, ne: [] }),
    refused: ["E_BLOCK", NE, "tensors[0].ne", "rows of a multiple of 32", ""],
  },
];

const types: readonly Row[] = [
  ...(
    [
      ["TENSORS_BAD_TYPE", 43, 43, "unknown type 43"],
      ["GJ15", 4, "4 (q4_2)", "the type q4_2, which was removed from the format"],
      ["GJ15", 5, "5 (q4_3)", "q4_3"],
      ["GJ15", 31, "31 (q4_0_4_4)", "make the file again from the original model"],
      ["GJ15", 32, "32 (q4_0_4_8)", "q4_0_4_8"],
      ["GJ15", 33, "33 (q4_0_8_8)", "q4_0_8_8"],
      ["GJ15", 36, "36 (iq4_nl_4_4)", "iq4_nl_4_4"],
      ["GJ15", 37, "37 (iq4_nl_4_8)", "iq4_nl_4_8"],
      ["GJ15", 38, "38 (iq4_nl_8_8)", "iq4_nl_8_8"],
      ["GJ15", 0x7fffffff, 0x7fffffff, "unknown type 2147483647"],
      ["GJ15", 0xffffffff, 0xffffffff, "unknown type 4294967295"],
    ] as const
  ).map(([id, type, got, says]): Row => {
    const refused: Refused = ["E_DTYPE", TYPE, "tensors[0].type", "a tensor type of ggml", got, says];
    return { id, input: `type ${type}`, bytes: one({ type }), refused };
  }),
];

const misplaced = (id: string, input: string, offset: bigint, expected: number): Row => {
  const refused: Refused = ["E_OFFSET", OFFSET, "tensors[0].offset", expected, Number(offset)];
  return { id, input, bytes: one({ offset }), refused };
};

/** Two tensors of 4 and 8 bytes laid out by `alignment`. */
const twoTensors = (alignment: number, file: RawFile = {}): Uint8Array =>
  ggufBytes({
    alignment,
    tensors: [
      { name: "x", type: 24, ne: [4] },
      { name: "y", type: 24, ne: [8] },
    ],
    ...file,
  });
const SECOND_OFFSET = OFFSET + 33;

/** The pair is 33 bytes long. */
const aligned = (n: number): RawFile => ({
  pairs: [{ key: "general.alignment", type: U32, value: u32(n) }],
});

const bothThere = (file: GgufFile): void =>
  expect(file.tensors.map((tensor) => [tensor.name, tensor.shape])).toEqual([
    ["x", [4]],
    ["y", [8]],
  ]);

const offsets: readonly Row[] = [
  {
    id: "TENSORS_BAD_OFFSET",
    input: "an offset of -1",
    bytes: one({ offset: 2n ** 64n - 1n }),
    refused: overflow(OFFSET, "tensors[0].offset"),
  },
  misplaced("ST07", "the first tensor does not begin at 0", 32n, 0),
  misplaced("ST07", "an offset that is no multiple of the alignment", 1n, 0),
  ...([0n, 64n] as const).map((offset): Row => {
    const tensors = [
      { name: "x", ne: [4] },
      { name: "y", ne: [4], offset },
    ];
    const refused: Refused = ["E_OFFSET", SECOND_OFFSET, "tensors[1].offset", 32, Number(offset)];
    return {
      id: offset === 0n ? "ST06" : "ST07",
      input: `the second at ${offset}`,
      bytes: ggufBytes({ tensors }),
      refused,
    };
  }),
  ...["TENSORS_BAD_ALIGN", "DATA_BAD_ALIGN"].map((id): Row => {
    const bytes = twoTensors(13, aligned(13));
    return { id, input: "alignment 13", bytes, refused: ["E_ALIGN", 57, "general.alignment", expect.anything(), 13] };
  }),
  ...["TENSORS_INCONSISTENT_ALIGN", "DATA_INCONSISTENT_ALIGN"].map((id): Row => {
    const refused: Refused = ["E_OFFSET", SECOND_OFFSET, "tensors[1].offset", 32, 4];
    return { id, input: "laid out by 1, said to be 32", bytes: twoTensors(1, { tail: new Uint8Array(64) }), refused };
  }),
  ...["TENSORS_CUSTOM_ALIGN", "DATA_CUSTOM_ALIGN"].map((id): Row => {
    return { id, input: "alignment 1", bytes: twoTensors(1, aligned(1)), check: bothThere };
  }),
  { id: "TENSORS_SUCCESS", input: "alignment 4096", bytes: twoTensors(4096, aligned(4096)), check: bothThere },
];

const data: readonly Row[] = [
  {
    id: "DATA_NOT_ENOUGH_DATA",
    input: "one byte short",
    bytes: one({ ne: [8] }).subarray(0, -1),
    refused: truncated(64, "tensors[0].data", 32, 31),
  },
  {
    id: "DATA_NOT_ENOUGH_DATA",
    input: "one byte of the last padding short",
    bytes: one({}).subarray(0, -1),
    check: (file) => expect(file.warnings).toEqual(["the padding after the last tensor is not all there"]),
  },
  {
    id: "DATA_NOT_ENOUGH_DATA",
    input: "one byte of the last padding short, strict",
    bytes: one({}).subarray(0, -1),
    options: { strict: true },
    refused: truncated(80, "padding", 16, 15),
  },
  { id: "GJ19", input: "no data", bytes: one({}).subarray(0, 64), refused: truncated(64, "tensors[0].data", 16, 0) },
  {
    id: "GJ19",
    input: "the padding before the data runs past the end",
    bytes: one({}).subarray(0, 60),
    refused: truncated(57, "padding", 7, 3),
  },
  {
    id: "GJ19",
    input: "an alignment past the end",
    bytes: one({}, aligned(2 ** 20)),
    refused: truncated(90, "padding", 2 ** 20 - 90, 38),
  },
  {
    id: "DATA_MEM_SIZE_OVERFLOW",
    input: "two i8 tensors of 2^63-64 bytes",
    bytes: ggufBytes({
      tensors: [
        { name: "x", type: 24, ne: [0x7fffffffffffffc0n], data: u8() },
        { name: "y", type: 24, ne: [0x7fffffffffffffc0n], offset: 0x7fffffffffffffc0n, data: u8() },
      ],
      tail: new Uint8Array(32),
    }),
    refused: overflow(NE, "tensors[0].ne[0]", 0x7fffffffffffffc0n),
  },
  {
    id: "DATA_MEM_SIZE_OVERFLOW",
    input: "two i8 tensors of 2^53-64 bytes",
    bytes: ggufBytes({
      tensors: [
        { name: "x", type: 24, ne: [2n ** 53n - 64n], data: u8() },
        { name: "y", type: 24, ne: [2n ** 53n - 64n], offset: 2n ** 53n - 64n, data: u8() },
      ],
      tail: new Uint8Array(32),
    }),
    refused: truncated(96, "tensors[0].data", 2n ** 53n - 64n, 32),
  },
  {
    id: "GJ20",
    input: "padding that is not zero",
    bytes: smallFile({ pad: 7 }),
    check: (file) => expect(file.warnings).toEqual(["the padding before the data is not zero"]),
  },
  {
    id: "GJ20",
    input: "padding that is not zero, strict",
    bytes: one({}, { pad: 7 }),
    options: { strict: true },
    refused: ["E_PAD", 57, "padding", "zeros", "other bytes"],
  },
  ...[1, 11, 2 ** 20].map((n): Row => {
    const refused: Refused = ["E_TRAILING", 96, "data", "the end of the file", `${n} bytes`];
    return { id: "GJ21", input: `${n} bytes too many`, bytes: one({}, { tail: new Uint8Array(n) }), refused };
  }),
  {
    id: "GJ21",
    input: "a byte too many without tensors",
    bytes: ggufBytes({ tail: u8(0) }),
    refused: ["E_TRAILING", 32, "data", "the end of the file", "1 bytes"],
  },
  {
    id: "GJ27",
    input: "blocks whose scale is NaN",
    bytes: one({ type: 2, ne: [32], data: new Uint8Array(18).fill(0xff) }),
    check: (file) => expect(file.tensor("x")?.type).toBe("q4_0"),
  },
  {
    id: "DATA_SUCCESS",
    input: "tensors of four types",
    bytes: smallFile(),
    options: { strict: true },
    check: async (file) => {
      expect(file.tensors.map(({ name, type, shape }) => `${name} ${type} ${shape.join(" x ")}`)).toEqual([
        "token_embd.weight q4_0 3 x 32",
        "output_norm.weight f32 3",
        "blk.0.attn_q.weight f16 2 x 8",
        "blk.0.ffn_down.weight q6_K 256",
      ]);
      for (const [index, tensor] of file.tensors.entries()) {
        expect((tensor.dataOffset - file.dataOffset) % 32).toBe(0);
        const bytes = new Uint8Array(tensor.byteLength);
        await tensor.read(0, bytes);
        expect(bytes).toEqual(pattern(tensor.byteLength, index));
      }
    },
  },
];

export const tensorRows: readonly Row[] = [...names, ...shapes, ...types, ...offsets, ...data];
