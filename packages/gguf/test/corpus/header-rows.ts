// Magic, version and counts.

import { expect } from "vitest";
import { concat, ggufBytes, u8, u32, u64, utf8 } from "../support/gguf-bytes.ts";
import { overflow, type Refused, type Row, truncated } from "./row.ts";

const version = (got: number, says: string): Refused => ["E_VERSION", 4, "version", "2 or 3", got, says];

const magics: readonly Row[] = (
  [
    ["HEADER_BAD_MAGIC", "FUGG", "FUGG", "46 55 47 47", "big-endian (byte-swapped GGUF)"],
    ["GJ03", "ggjt", "tjgg\x03\0\0\0", "74 6a 67 67", "it is a ggjt file, the predecessor of GGUF"],
    ["GJ03", "ggmf", "fmgg\x01\0\0\0", "66 6d 67 67", "it is a ggmf file"],
    ["GJ03", "ggml", "lmgg\0\0\0\0", "6c 6d 67 67", "it is a ggml file"],
    ["GJ03", "ggla", "algg\0\0\0\0", "61 6c 67 67", "it is a LoRA adapter"],
    ["GJ03", "ggsn", "nsgg\0\0\0\0", "6e 73 67 67", "it is a saved session"],
    ["GJ03", "zip", "PK\x03\x04....", "50 4b 03 04", "it is a zip archive"],
    ["GJ03", "pickle", u8(0x80, 2, 0x7d, 0x71), "80 02 7d 71", "it is a Python pickle"],
    ["GJ03", "JSON", '{"a": 1}', "7b 22 61 22", "it is JSON"],
    ["GJ03", "safetensors", concat([u64(2), utf8("{}")]), "02 00 00 00", "it is a safetensors file"],
    ["GJ03", "Git LFS", "version https://git-lfs.github.com/spec/v1\n", "76 65 72 73", "it is a Git LFS pointer"],
    ["GJ03", "HTML", "<!DOCTYPE html>", "3c 21 44 4f", "it is a web page"],
    ["GJ03", "noise", u8(1, 2, 3, 4, 5), "01 02 03 04", "not a GGUF file (field magic, byte 0)"],
  ] as const
).map(([id, input, bytes, got, says]): Row => {
  return { id, input, bytes: utf8(bytes), refused: ["E_MAGIC", 0, "magic", "GGUF", got, says] };
});

export const headerRows: readonly Row[] = [
  ...magics,
  { id: "GJ01", input: "no bytes", bytes: u8(), refused: truncated(0, "magic", 4, 0) },
  { id: "GJ01", input: "3 bytes", bytes: utf8("GGU"), refused: truncated(0, "magic", 4, 3) },
  { id: "GJ01", input: "7 bytes", bytes: utf8("GGUF\x03\0\0"), refused: truncated(4, "version", 4, 3) },
  {
    id: "HEADER_BAD_VERSION_0",
    input: "version 0",
    bytes: ggufBytes({ version: 0 }),
    refused: version(0, "GGUF version 0"),
  },
  {
    id: "HEADER_BAD_VERSION_1",
    input: "version 1",
    // its counts are of 32 bits
    bytes: concat([utf8("GGUF"), u32(1), u32(0), u32(0)]),
    refused: version(1, "GGUF version 1 (field version, byte 4); version 1 was written for a few days"),
  },
  {
    id: "HEADER_BAD_VERSION_FUTURE",
    input: "version 4",
    bytes: ggufBytes({ version: 4 }),
    refused: version(4, "GGUF version 4"),
  },
  {
    id: "GJ04",
    input: "version 2^32-1",
    bytes: ggufBytes({ version: 0xffffffff }),
    refused: version(0xffffffff, "GGUF version 4294967295"),
  },
  {
    id: "GJ04",
    input: "version 2",
    bytes: ggufBytes({ version: 2 }),
    check: (file) => expect(file.version).toBe(2),
  },
  ...[2, 3].map((n): Row => {
    // the magic is written byte by byte, everything else the other way round
    const bytes = concat([utf8("GGUF"), u8(0, 0, 0, n), new Uint8Array(16)]);
    return {
      id: "GJ28",
      input: `big-endian version ${n}`,
      bytes,
      refused: version(n << 24, "a GGUF file with big-endian numbers"),
    };
  }),
  {
    id: "HEADER_BAD_N_TENSORS",
    input: "2^64-1 tensors",
    bytes: ggufBytes({ nTensors: 2n ** 64n - 1n }),
    refused: overflow(8, "tensor_count"),
  },
  {
    id: "HEADER_BAD_N_KV",
    input: "2^64-1 pairs",
    bytes: ggufBytes({ nPairs: 2n ** 64n - 1n }),
    refused: overflow(16, "metadata_kv_count"),
  },
  {
    id: "GJ05",
    input: "4096 tensors in 32 bytes",
    bytes: ggufBytes({ nTensors: 4096n }),
    refused: truncated(24, "tensor_count", 4096 * 25, 8),
  },
  {
    id: "GJ05",
    input: "1024 pairs in 32 bytes",
    bytes: ggufBytes({ nPairs: 1024n }),
    refused: truncated(24, "metadata_kv_count", 1024 * 14, 8),
  },
  {
    id: "GJ23",
    input: "4097 tensors",
    bytes: ggufBytes({ nTensors: 4097n }),
    refused: ["E_LIMIT", 24, "tensor_count", "at most 4096", 4097],
  },
  {
    id: "GJ23",
    input: "1025 pairs",
    bytes: ggufBytes({ nPairs: 1025n }),
    refused: ["E_LIMIT", 24, "metadata_kv_count", "at most 1024", 1025],
  },
  {
    id: "HEADER_EMPTY",
    input: "no pairs, no tensors, padding",
    bytes: ggufBytes({}),
    check: (file) =>
      expect([file.byteLength, file.metadata.size, file.tensors, file.warnings]).toEqual([32, 0, [], []]),
  },
  {
    id: "HEADER_EMPTY",
    input: "no pairs, no tensors, no padding",
    bytes: ggufBytes({ endPadding: false }),
    check: (file) => expect([file.byteLength, file.warnings]).toEqual([24, []]),
  },
];
