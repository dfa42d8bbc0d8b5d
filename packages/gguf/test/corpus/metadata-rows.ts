// Keys, values and the alignment.

import { expect } from "vitest";
import type { GgufArray } from "../../src/index.ts";
import {
  ARRAY,
  array,
  concat,
  EVERY_PAIR,
  f32,
  ggufBytes,
  I32,
  type RawPair,
  STRING,
  text,
  U32,
  u8,
  u32,
  u64,
} from "../support/gguf-bytes.ts";
import { overflow, PAIRS, type Refused, type Row, truncated } from "./row.ts";

const one = (pair: Partial<RawPair>, ...more: RawPair[]): Uint8Array =>
  ggufBytes({ pairs: [{ key: "k", type: 0, value: u8(1), ...pair }, ...more] });

/** Where the value of a pair with the key "k" begins. */
const VALUE = PAIRS + 8 + 1 + 4;

const keyLength = (got: number): Refused => ["E_LENGTH", PAIRS, "metadata[0].key.len", "1 to 65535", got];

const keys: readonly Row[] = [
  {
    id: "KV_BAD_KEY_SIZE",
    input: "a key of 2^64-1 bytes",
    bytes: one({ keyLen: 2n ** 64n - 1n }),
    refused: overflow(PAIRS, "metadata[0].key.len"),
  },
  {
    id: "KV_BAD_KEY_SIZE",
    input: "a key of 2^53-1 bytes",
    bytes: one({ keyLen: 2n ** 53n - 1n }),
    refused: keyLength(2 ** 53 - 1),
  },
  { id: "KV_BAD_KEY_SIZE", input: "a key of 65,536 bytes", bytes: one({ keyLen: 65536n }), refused: keyLength(65536) },
  {
    id: "KV_BAD_KEY_SIZE",
    input: "a key of more bytes than there are",
    bytes: one({ keyLen: 65535n }),
    refused: truncated(PAIRS + 8, "metadata[0].key", 65535, 32),
  },
  {
    id: "KV_BAD_KEY_SIZE",
    input: "a key of 65,535 bytes",
    bytes: one({ key: "k".repeat(65535) }),
    check: (file) => expect(file.metadata.get("k".repeat(65535))).toEqual({ type: "u8", value: 1 }),
  },
  { id: "KV_EMPTY_KEY", input: "an empty key", bytes: one({ key: "" }), refused: keyLength(0) },
  ...(
    [
      ["not UTF-8", u8(0x61, 0xff), "aÿ"],
      ["NUL", "a\0", "a\\x00"],
      ["ESC]0;x BEL", "\x1b]0;x\x07", "\\x1b]0;x\\x07"],
      ["RLO", "a\u202eb", "a\\u{202e}b"],
    ] as const
  ).map(([input, key, shown]): Row => {
    const refused: Refused = [
      "E_NAME",
      PAIRS + 8,
      "metadata[0].key",
      "printable UTF-8",
      shown,
      `key '${shown}' is not`,
    ];
    return { id: "GJ13", input: `key: ${input}`, bytes: one({ key }), refused };
  }),
  {
    id: "KV_DUPLICATE_KEY",
    input: "a key twice",
    bytes: one({}, { key: "x", type: 0, value: u8(3) }, { key: "k", type: 0, value: u8(2) }),
    refused: ["E_DUP", PAIRS + 28, "metadata[2].key", "every key once", "k", "at byte 24 and at byte 52"],
  },
  {
    id: "GJ14",
    input: "__proto__, constructor",
    bytes: one({ key: "__proto__" }, { key: "constructor", type: 0, value: u8(2) }),
    check: (file) => expect([...file.metadata.keys()]).toEqual(["__proto__", "constructor"]),
  },
];

const types: readonly Row[] = [
  ...[13, 0x7fffffff, 0xffffffff].map((type): Row => {
    const refused: Refused = [
      "E_TYPE",
      PAIRS + 9,
      "metadata[0].type",
      "0 to 12",
      type,
      "'k' has a value of unknown type",
    ];
    return { id: "KV_BAD_TYPE", input: `type ${type}`, bytes: one({ type }), refused };
  }),
  {
    id: "KV_BAD_TYPE",
    input: "an array of type 13",
    bytes: one({ type: ARRAY, value: array(13, []) }),
    refused: ["E_TYPE", VALUE, "metadata[0].value.type", "0 to 12", 13],
  },
  {
    id: "KV_BAD_TYPE",
    input: "an array of arrays of type 13",
    bytes: one({ type: ARRAY, value: array(ARRAY, [array(13, [])]) }),
    refused: ["E_TYPE", VALUE + 12, "metadata[0].value.type", "0 to 12", 13],
  },
];

const lengths: readonly Row[] = [
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "a text of 2^64-1 bytes",
    bytes: one({ type: STRING, value: u64(2n ** 64n - 1n) }),
    refused: overflow(VALUE, "metadata[0].value.len"),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "a text of 64 MiB + 1",
    bytes: one({ type: STRING, value: u64(2 ** 26 + 1) }),
    refused: ["E_LENGTH", VALUE + 8, "metadata[0].value", `at most ${2 ** 26}`, 2 ** 26 + 1],
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "a text of more bytes than there are",
    bytes: one({ type: STRING, value: u64(1000) }),
    refused: truncated(VALUE + 8, "metadata[0].value", 1000, 19),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "an array of 2^64-1 items",
    bytes: one({ type: ARRAY, value: array(0, [], 2n ** 64n - 1n) }),
    refused: overflow(VALUE + 4, "metadata[0].value.len"),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "an array of 2^53-1 numbers of 64 bits", // the size wraps in 64 bits and passes 2^53
    bytes: one({ type: ARRAY, value: array(10, [], 2n ** 53n - 1n) }),
    refused: truncated(VALUE + 12, "metadata[0].value", 8n * (2n ** 53n - 1n), 15),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "an array of more texts than there can be",
    bytes: one({ type: ARRAY, value: array(STRING, [text("a")], 4n) }),
    refused: truncated(VALUE + 12, "metadata[0].value", 32, 15),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "an array of more arrays than there can be",
    bytes: one({ type: ARRAY, value: array(ARRAY, [], 2n) }),
    refused: truncated(VALUE + 12, "metadata[0].value", 24, 15),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "a text in an array with more bytes than there are",
    bytes: one({ type: ARRAY, value: array(STRING, [concat([u64(99), u8(0)])]) }),
    refused: truncated(VALUE + 20, "metadata[0].value[]", 99, 7),
  },
  {
    id: "KV_BAD_VALUE_SIZE",
    input: "a text in an array of 2^53-1 bytes",
    bytes: one({ type: ARRAY, value: array(STRING, [u64(2n ** 53n - 1n)]) }),
    refused: truncated(VALUE + 20, "metadata[0].value[]", 2n ** 53n - 1n, 7),
  },
  {
    id: "PP12",
    input: "five arrays inside each other",
    bytes: one({ type: ARRAY, value: array(ARRAY, [array(ARRAY, [array(ARRAY, [array(ARRAY, [array(0, [])])])])]) }),
    refused: [
      "E_DEPTH",
      VALUE + 48,
      "metadata[0].value",
      "at most 4 arrays inside each other",
      "more",
      "'k' has more than 4 arrays",
    ],
  },
  {
    id: "PP12",
    input: "four arrays inside each other",
    bytes: one({ type: ARRAY, value: array(ARRAY, [array(ARRAY, [array(ARRAY, [array(0, [u8(9)])])])]) }),
    check: async (file) => {
      const value = file.metadata.get("k") as GgufArray;
      const three = [{ itemType: "array", items: [{ itemType: "array", items: [{ itemType: "u8", items: u8(9) }] }] }];
      expect(await value.read("array")).toEqual(three);
    },
  },
];

const alignPair = (type: number, value: Uint8Array): RawPair => ({ key: "general.alignment", type, value });

const alignments: readonly Row[] = [
  ...([13, 0, 24, 4_194_304, 0x80000000, 0xffffffff] as const).map((n): Row => {
    const refused: Refused = ["E_ALIGN", PAIRS + 33, "general.alignment", "a power of two up to 2097152", n];
    return {
      id: "KV_BAD_ALIGN",
      input: `alignment ${n}`,
      bytes: ggufBytes({ pairs: [alignPair(U32, u32(n))] }),
      refused,
    };
  }),
  ...(
    [
      ["i32", I32, u32(32)],
      ["string", STRING, text("32")],
      ["array", ARRAY, array(U32, [u32(32)])],
      ["f32", 6, f32(32)],
    ] as const
  ).map(([name, type, value]): Row => {
    const bytes = ggufBytes({ pairs: [alignPair(type, value)] });
    const end = PAIRS + 29 + value.length;
    const refused: Refused = ["E_TYPE", end, "general.alignment", "u32", name];
    return { id: "KV_WRONG_TYPE_ALIGN", input: `alignment as ${name}`, bytes, refused };
  }),
  {
    id: "KV_BAD_ALIGN",
    input: "alignment 2 MiB, without tensors",
    bytes: ggufBytes({ pairs: [alignPair(U32, u32(2_097_152))] }),
    check: (file) => expect(file.alignment).toBe(2_097_152),
  },
];

export const metadataRows: readonly Row[] = [
  ...keys,
  ...types,
  ...lengths,
  ...alignments,
  {
    id: "KV_SUCCESS",
    input: "a value of every type and an array of every type",
    bytes: ggufBytes({ pairs: EVERY_PAIR }),
    check: (file) => expect(file.metadata.size).toBe(EVERY_PAIR.length),
  },
  {
    id: "GJ10",
    input: "texts that are not UTF-8",
    bytes: one({ type: STRING, value: text(u8(0xff, 0x61)) }, { key: "a", type: 9, value: array(8, [text(u8(0x80))]) }),
    check: async (file) => {
      expect(file.metadata.get("k")).toMatchObject({ type: "string", bytes: u8(0xff, 0x61), value: "\ufffda" });
      expect(await (file.metadata.get("a") as GgufArray).read("string")).toEqual([u8(0x80)]);
    },
  },
];
