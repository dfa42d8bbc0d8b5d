// GJ11 … GJ13, GJ15 … GJ21, GJ23, GJ27: tensor records and data.

import { expect } from "vitest";
import {
  concat,
  f32,
  ggmlBytes,
  MAGIC,
  type RawFile,
  type RawTensor,
  smallModel,
  smallTensors,
  u32,
  utf8,
} from "../ggml-bytes.ts";
import { A_RECORD, type Refused, type Row, truncated } from "./row.ts";

/** A tensor of 4 values; its data is at byte 64. */
const one = { name: "x", ne: [4] };

const record = (tensor: RawTensor, file: RawFile = {}): Uint8Array => ggmlBytes({ ...file, tensors: [tensor] });

const nDims = (got: number): Refused => ["E_RANGE", A_RECORD, "tensors[0].n_dims", "1 or 2", got];
const nameLength = (got: number): Refused => ["E_LENGTH", A_RECORD + 4, "tensors[0].name_len", "1 to 255", got];

const dimensions: readonly Row[] = [0, 3, 0xffffffff].map((n): Row => {
  return { id: "GJ11", input: `n_dims ${n}`, bytes: record({ ...one, nDims: n }), refused: nDims(n) };
});

const nameLengths: readonly Row[] = [
  { id: "GJ12", input: "name length 0", bytes: record({ ...one, name: "" }), refused: nameLength(0) },
  { id: "GJ12", input: "name length 256", bytes: record({ ...one, name: "n".repeat(256) }), refused: nameLength(256) },
  { id: "GJ12", input: "name length 1 MiB", bytes: record({ ...one, nameLen: 1 << 20 }), refused: nameLength(1 << 20) },
  {
    id: "GJ12",
    input: "name length 2^32-1",
    bytes: record({ ...one, nameLen: 0xffffffff }),
    refused: nameLength(0xffffffff),
  },
  {
    id: "GJ12",
    input: "name length 255",
    bytes: record({ ...one, name: "n".repeat(255) }),
    check: (file) => expect(file.tensor("n".repeat(255))?.byteLength).toBe(16),
  },
];

const names: readonly Row[] = (
  [
    ["not UTF-8", Uint8Array.of(0x61, 0xff), "aÿ"],
    ["NUL", "a\0", "a\\x00"],
    ["newline", "a\nb", "a\\x0ab"],
    ["ESC]0;x BEL", "\x1b]0;x\x07", "\\x1b]0;x\\x07"],
    ["OSC 52", "\x1b]52;c;AA\x1b\\", "\\x1b]52;c;AA\\x1b\\"],
    ["RLO", "a\u202eb", "a\\u{202e}b"],
  ] as const
).map(([input, name, shown]): Row => {
  const says = `tensor name '${shown}' is not printable UTF-8`;
  const refused: Refused = ["E_NAME", A_RECORD + 16, "tensors[0].name", "printable UTF-8", shown, says];
  return { id: "GJ13", input, bytes: record({ ...one, name }), refused };
});

const types: readonly Row[] = (
  [
    [4, "4 (q4_2, removed)"],
    [5, "5 (q4_3, removed)"],
    [9, "9 (q8_1, not for files)"],
    [19, 19],
    [0x7fffffff, 0x7fffffff],
    [0xffffffff, 0xffffffff],
  ] as const
).map(([type, got]): Row => {
  const refused: Refused = ["E_DTYPE", A_RECORD + 8, "tensors[0].type", "0 to 3, 6 to 8 or 10 to 14", got];
  return { id: "GJ15", input: `type ${type}`, bytes: record({ ...one, type }), refused };
});

const sizes: readonly Row[] = (
  [
    ["GJ16", 0, [4, 0], "E_RANGE", "sizes from 1", "4 x 0"],
    ["GJ16", 0, [0xffffffff, 0xffffffff], "E_OVERFLOW", "less than 2^53 bytes", `${0xffffffffn ** 2n * 4n}`],
    // times 18, its number of values passes 2^64
    [
      "GJ16",
      2,
      [0xffffffe0, 0xfffffff0],
      "E_OVERFLOW",
      "less than 2^53 bytes",
      `${(0xffffffe0n / 32n) * 0xfffffff0n * 18n}`,
    ],
    ["GJ17", 2, [33, 2], "E_BLOCK", "rows of a multiple of 32", "33 x 2"],
    // the number of values fills one block, but no row does
    ["GJ17", 12, [128, 2], "E_BLOCK", "rows of a multiple of 256", "128 x 2"],
  ] as const
).map(([id, type, ne, code, expected, got]): Row => {
  const bytes = record({ name: "x", type, ne, data: new Uint8Array(256) });
  const refused: Refused = [code, A_RECORD + 12, "tensors[0].ne", expected, got, "tensor 'x'"];
  return { id, input: `type ${type}, ne ${ne.join(" x ")}`, bytes, refused };
});

const twice = "its first data is at byte 64, its second record at byte 80";

const data: readonly Row[] = [
  {
    id: "GJ18",
    input: "name twice",
    bytes: ggmlBytes({ tensors: [one, one] }),
    refused: ["E_DUP", 80, "tensors[1].name", "every name once", "x", twice],
  },
  {
    id: "GJ19",
    input: "data short by one byte",
    bytes: record(one).subarray(0, -1),
    refused: truncated(64, "tensors[0].data", 16, 15),
  },
  {
    id: "GJ19",
    input: "data missing",
    bytes: record(one).subarray(0, -16),
    refused: truncated(64, "tensors[0].data", 16, 0),
  },
  {
    id: "GJ19",
    input: "padding past the end",
    bytes: record(one).subarray(0, -17),
    refused: truncated(62, "tensors[0].padding", 2, 1),
  },
  {
    id: "GJ20",
    input: "padding not zero",
    bytes: smallModel({ tensors: smallTensors().map((tensor) => ({ ...tensor, pad: 7 })) }),
    weights: true,
    check: (file) => {
      const text =
        /^the padding before the data of tensor 'tok_embeddings\.weight' and of \d+ more tensors is not zero$/;
      expect(file.warnings).toEqual([expect.stringMatching(text)]);
    },
  },
  {
    id: "GJ20",
    input: "padding not zero, strict",
    bytes: record({ ...one, pad: 7 }),
    options: { strict: true },
    refused: ["E_PAD", 62, "padding", "zeros", "other bytes"],
  },
];

const tails: readonly Row[] = [
  ...Array.from({ length: 11 }, (_, index) => [`${index + 1} bytes`, new Uint8Array(index + 1).fill(0xaa)] as const),
  ...[1, 3, 11].map((n) => [`${n} bytes`, new Uint8Array(n)] as const),
  ["zeros", new Uint8Array(12)] as const,
  ["zeros", new Uint8Array(1 << 20)] as const,
].map(([got, tail]): Row => {
  const expected = "a tensor record or the end of the file";
  const refused: Refused = ["E_TRAILING", 80, "tensors[1].n_dims", expected, got];
  const input = `${tail.length} trailing bytes ${tail[0]}`;
  return { id: "GJ21", input, bytes: ggmlBytes({ tensors: [one], tail }), refused };
});

/** A ggmf file, so that nothing is padded: n records of 24 bytes with different names of four characters. */
function nameBomb(n: number): Uint8Array {
  const head = concat([u32(MAGIC.ggmf, 1, 1, 0, 0, 0, 0, 0, 0), u32(1), utf8("a"), f32(0)]);
  const bytes = new Uint8Array(head.length + 24 * n);
  bytes.set(head);
  const view = new DataView(bytes.buffer);
  for (let i = 0, at = head.length; i < n; i++, at += 24) {
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, 4, true);
    view.setUint32(at + 12, 1, true);
    bytes.set(utf8(i.toString(36).padStart(4, "0")), at + 16);
  }
  return bytes;
}

const bomb: Row = {
  id: "GJ23",
  input: "a million tiny tensors",
  bytes: nameBomb(1_000_000),
  refused: ["E_LIMIT", A_RECORD + 4096 * 24, "tensors[4096].n_dims", "at most 4096 tensors", "more than 4096"],
};

/** Scales are the business of whoever unpacks blocks. */
const nanScale: Row = {
  id: "GJ27",
  input: "q4_0 block with a NaN scale",
  bytes: record({ name: "x", type: 2, ne: [32, 1], data: concat([Uint8Array.of(0x00, 0x7e), new Uint8Array(16)]) }),
  check: (file) => expect(file.tensor("x")?.byteLength).toBe(18),
};

export const recordRows: readonly Row[] = [
  ...dimensions,
  ...nameLengths,
  ...names,
  ...types,
  ...sizes,
  ...data,
  ...tails,
  bomb,
  nanScale,
];
