// TM01 … TM05, TM14, TM15, TM17: bytes that are no such file, and sections.

import { expect } from "vitest";
import {
  bytesField,
  floatField,
  normalizerField,
  pieceField,
  tag,
  trainerField,
  varint,
  varintField,
} from "../support/model-bytes.ts";
import { HEAD, NEXT_ID, type Refused, type Row } from "./row.ts";

const END = HEAD.length;
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

/** A tag that is refused, right behind `HEAD`. */
const badTag = (got: string): Refused => ["E_WIRE", END, "tag", "field number from 1, wire type 0, 1, 2 or 5", got];

const notModel = (code: string, got: string): Refused => [code, 0, "pieces", "a SentencePiece model", got];

const charsMap = (...map: number[]): Pick<Row, "bytes" | "refused"> => {
  const section = normalizerField(bytesField(2, map));
  return {
    bytes: [...HEAD, ...section],
    refused: [
      "E_CHARSMAP",
      END + section.length,
      "normalizer_spec.precompiled_charsmap",
      "0 bytes (identity)",
      `${map.length} bytes`,
    ],
  };
};

const unknownFields = [100, 2 ** 29 - 1].flatMap((field) => [
  ...varintField(field, 7),
  ...tag(field, 1),
  ...new Array<number>(8).fill(0xff),
  ...bytesField(field, "text"),
  ...floatField(field, 1),
]);

export const wireRows: readonly Row[] = [
  { id: "TM01", input: "empty", bytes: [], refused: notModel("E_PROTO", "an empty file") },
  ...[0x00, 0xff].map((byte) => ({
    id: "TM01",
    input: `all 0x${byte.toString(16)}`,
    bytes: new Uint8Array(1000).fill(byte),
    refused: notModel("E_PROTO", `nothing but bytes 0x${byte.toString(16).padStart(2, "0")}`),
  })),
  ...[
    ["of 11 bytes", [...new Array<number>(10).fill(0x80), 0x01]],
    ["of 2^64", [...new Array<number>(9).fill(0x80), 0x02]],
    ["that never ends", new Array<number>(1000).fill(0xff)],
  ].map(([input, number]) => ({
    id: "TM02",
    input: `a varint ${input}`,
    bytes: [...HEAD, ...tag(100, 0), ...(number as number[])],
    refused: ["E_VARINT", END + 2, "field 100", "below 2^64 in 10 bytes", "a longer varint"] as const,
  })),
  {
    id: "TM02",
    input: "a varint of 2^64 - 1, which is good",
    bytes: [...HEAD, ...tag(100, 0), ...new Array<number>(9).fill(0xff), 0x01],
  },
  ...[
    ["one over what is left", 4],
    ["2^63", 2 ** 63],
    ["-1", -1],
    ["2^32, which 32 bits would take for 0", 2 ** 32],
  ].map(([input, length]) => ({
    id: "TM03",
    input: `a length of ${input}`,
    bytes: [...HEAD, ...tag(1, 2), ...varint(length as number), 1, 2, 3],
    refused: [
      "E_LENGTH",
      END + 1,
      "pieces",
      "at most 3 bytes",
      `a length of ${length === -1 ? 2 ** 64 : length}`,
    ] as const,
  })),
  {
    id: "TM04",
    input: "100,000 nested groups",
    bytes: [...HEAD, ...new Array<number>(100_000).fill(tag(1, 3)[0] as number)],
    refused: badTag("field 1 of wire type 3"),
  },
  ...[3, 4, 6, 7].map((wireType) => ({
    id: "TM04",
    input: `wire type ${wireType}`,
    bytes: [...HEAD, ...tag(9, wireType), 0],
    refused: badTag(`field 9 of wire type ${wireType}`),
  })),
  { id: "TM04", input: "field number 0", bytes: [...HEAD, 0, 0], refused: badTag("field 0 of wire type 0") },
  {
    id: "TM04",
    input: "field number 2^29",
    bytes: [...HEAD, ...tag(2 ** 29, 0), 0],
    refused: badTag("a tag over 32 bits"),
  },
  {
    id: "TM05",
    input: "unknown fields everywhere",
    bytes: [
      ...unknownFields,
      ...HEAD,
      ...bytesField(1, [...unknownFields, ...bytesField(1, "x"), ...unknownFields, ...floatField(2, -1)]),
      ...trainerField(unknownFields),
      ...normalizerField(unknownFields, varintField(4, 0)),
    ],
    check: (model) => {
      expect(model.pieces.slice(NEXT_ID)).toEqual([{ text: "x", score: -1, type: "normal" }]);
      expect(model.normalizer.removeExtraWhitespaces).toBe(false);
    },
  },
  { id: "TM14", input: "a charsmap larger than its blob", ...charsMap(0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4) },
  { id: "TM14", input: "a charsmap with offsets outside", ...charsMap(4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0) },
  { id: "TM14", input: "a charsmap that goes in circles", ...charsMap(4, 0, 0, 0, 0, 4, 0, 0, 0) },
  { id: "TM14", input: "an empty charsmap, which is good", bytes: [...HEAD, ...normalizerField(bytesField(2, []))] },
  {
    id: "TM15",
    input: "a trainer section in two parts, merged field by field",
    bytes: [...HEAD, ...bytesField(2, varintField(4, 1)), ...bytesField(2, varintField(4, NEXT_ID))],
    check: (model) => {
      expect(model.trainer).toEqual({ modelType: "bpe", vocabSize: NEXT_ID, unkId: 0, bosId: 1, eosId: 2 });
    },
  },
  ...[
    ["pieces as numbers", varintField(1, 5), END + 1, "pieces", 2, 0],
    ["pieces as 64 bits", [...tag(1, 1), ...new Array<number>(8).fill(1)], END + 1, "pieces", 2, 1],
    [
      "packed scores",
      bytesField(1, [...bytesField(1, "x"), ...bytesField(2, [0, 0, 0, 0])]),
      END + 6,
      "pieces[259].score",
      5,
      2,
    ],
    ["a type as text", bytesField(1, [...bytesField(1, "x"), ...bytesField(3, "")]), END + 6, "pieces[259].type", 0, 2],
    ["a piece's text as a number", bytesField(1, varintField(1, 7)), END + 3, "pieces[259].piece", 2, 0],
    ["a flag as text", normalizerField(bytesField(4, "")), END + 13, "normalizer_spec.remove_extra_whitespaces", 0, 2],
  ].map(([input, bytes, offset, field, expected, got]) => ({
    id: "TM15",
    input: `${input}`,
    bytes: [...HEAD, ...(bytes as number[])],
    refused: ["E_WIRE", offset as number, `${field}`, `wire type ${expected}`, `wire type ${got}`] as const,
  })),
  ...[
    [
      "a tokenizer.json",
      '{\n  "version": "1.0",\n  "truncation": null,',
      "JSON (a tokenizer.json of Hugging Face, or a Tekken file)",
    ],
    [
      "a Tekken file",
      '{"config": {"pattern": "x"}, "vocab": []}',
      "JSON (a tokenizer.json of Hugging Face, or a Tekken file)",
    ],
    ["a tiktoken file", "IQ== 0\nIg== 1\nIw== 2\n", "a tiktoken vocabulary (LLaMA 3)"],
  ].map(([input, text, got]) => ({
    id: "TM17",
    input: `${input}`,
    bytes: ascii(`${text}`),
    refused: notModel("E_MAGIC", `${got}`),
  })),
  {
    id: "TM15",
    input: "a piece cut short inside its section",
    bytes: [...HEAD, ...bytesField(1, [...tag(2, 5), 0, 0]), ...pieceField({ text: "x" })],
    refused: ["E_TRUNC", END + 3, "pieces[259].score", "4 bytes", "2 bytes"],
  },
];
