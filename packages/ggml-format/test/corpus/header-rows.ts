// GJ01, GJ03 … GJ10, GJ28: magic, version, hyper-parameters, file type, vocabulary.

import { expect } from "vitest";
import {
  concat,
  ggmlBytes,
  MAGIC,
  type RawFile,
  SMALL_HYPER,
  SMALL_VOCAB,
  smallModel,
  smallTensors,
  u32,
  utf8,
} from "../ggml-bytes.ts";
import { type Refused, type Row, truncated, VOCAB_START } from "./row.ts";

const small = smallModel();

/** The small model with one hyper-parameter, by position, replaced. */
const hyper = (index: number, value: number): RawFile => ({
  hyper: SMALL_HYPER.map((own, position) => (position === index ? value : own)),
});
const magicOf = (text: string): number => new DataView(utf8(text).buffer).getUint32(0, true);

function wrongMagic(got: string, says: string): Refused {
  return ["E_MAGIC", 0, "magic", "67676a74 (ggjt), 67676d66 (ggmf) or 67676d6c (ggml)", got, says];
}

function changedLayout(offset: number, container: string, ftype: unknown, pullRequest: number): Refused {
  const expected = `a file type whose blocks ${container} holds in today's layout`;
  const says = `this format is no longer supported (see https://github.com/ggerganov/llama.cpp/pull/${pullRequest})`;
  return ["E_VERSION", offset, "ftype", expected, ftype, says];
}

const unknownVersion = (got: number): Refused => ["E_VERSION", 4, "version", "1 to 3", got];
const nVocabRange = (got: number): Refused => ["E_RANGE", 8, "n_vocab", "1 to 1000000", got];
const badScore = (got: string): Refused => ["E_RANGE", VOCAB_START + 5, "vocab[0].score", "a finite number", got];

const shortFiles: readonly Row[] = [
  { id: "GJ01", input: "0 bytes", bytes: new Uint8Array(0), refused: truncated(0, "magic", 4, 0) },
  { id: "GJ01", input: "3 bytes", bytes: small.subarray(0, 3), refused: truncated(0, "magic", 4, 3) },
  { id: "GJ01", input: "7 bytes", bytes: small.subarray(0, 7), refused: truncated(4, "version", 4, 3) },
];

const otherFiles: readonly Row[] = (
  [
    ["ggla", smallModel({ magic: 0x67676c61 }), "67676c61", "LoRA adapter"],
    ["ggsn", smallModel({ magic: 0x6767736e }), "6767736e", "saved session"],
    [
      "GGUF",
      smallModel({ magic: magicOf("GGUF") }),
      "46554747",
      "unknown (magic, version) combination: 46554747, 00000003; is this really a GGML file?",
    ],
    ["PK\\3\\4", smallModel({ magic: magicOf("PK\x03\x04") }), "04034b50", "zip archive"],
    ["pickle", Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x2e), "717d0280", "pickle"],
    ["{", utf8('{"dim": 4096}'), "6964227b", "JSON"],
    ["Git LFS", utf8("version https://git-lfs.github.com/spec/v1\n"), "73726576", "it is a Git LFS pointer"],
    ["HTML", utf8("<!DOCTYPE html>"), "4f44213c", "it is a web page"],
    ["safetensors", concat([u32(2, 0), utf8("{}")]), "00000002", "safetensors"],
    ["byte-swapped ggjt", smallModel({ magic: magicOf("ggjt") }), "746a6767", "big-endian"],
    ["nothing known", smallModel({ magic: 0x12345678 }), "12345678", "12345678, 00000003"],
  ] as const
).map(([input, bytes, got, says]): Row => ({ id: "GJ03", input, bytes, refused: wrongMagic(got, says) }));

const oldFiles: readonly Row[] = [
  {
    id: "GJ03",
    input: "ggml with a quantised ftype",
    bytes: smallModel({ magic: MAGIC.ggml, ...hyper(6, 2) }),
    refused: changedLayout(
      28,
      "'ggml' (old version with low tokenizer quality and no mmap support)",
      "2 (mostly Q4_0)",
      1405,
    ),
  },
  {
    id: "GJ03",
    input: "ggmf with a quantised ftype",
    bytes: smallModel({ magic: MAGIC.ggmf, ...hyper(6, 3) }),
    refused: changedLayout(32, "ggmf v1 (old version with no mmap support)", "3 (mostly Q4_1)", 1405),
  },
];

const versions: readonly Row[] = [
  { id: "GJ04", input: "version 0", bytes: smallModel({ version: 0 }), refused: unknownVersion(0) },
  { id: "GJ04", input: "version 4", bytes: smallModel({ version: 4 }), refused: unknownVersion(4) },
  {
    id: "GJ04",
    input: "version 2^32-1",
    bytes: smallModel({ version: 0xffffffff }),
    refused: unknownVersion(0xffffffff),
  },
];

/** Version × file type: the pull request that changed the blocks, or 0 if the file is taken. */
const versionTable: readonly Row[] = (
  [
    [0, 0, 0],
    [1, 0, 0],
    [2, 1405, 1508],
    [3, 1405, 1508],
    [4, 1405, 0],
    [7, 1508, 1508],
    [8, 1405, 0],
    [9, 1405, 0],
    [10, 1405, 0],
    [18, 1405, 0],
  ] as const
).flatMap(([ftype, ...pullRequests]) =>
  pullRequests.map((pullRequest, index): Row => {
    const version = index + 1;
    const name = ["ggjt v1 (pre #1405)", "ggjt v2 (pre #1508)"][index] as string;
    const got = expect.stringMatching(`^${ftype} \\(`);
    const bytes = ggmlBytes({ version, hyper: [undefined, 0, 0, 1, 0, 0, ftype] });
    const row = { id: "GJ04", input: `version ${version}, ftype ${ftype}`, bytes };
    return pullRequest === 0 ? row : { ...row, refused: changedLayout(32, name, got, pullRequest) };
  }),
);

/** In files of 100 bytes. */
const vocabCounts: readonly Row[] = (
  [
    [0, nVocabRange(0)],
    [0xffffffff, nVocabRange(0xffffffff)],
    [0x7fffffff, nVocabRange(0x7fffffff)],
    [32_000, truncated(VOCAB_START, "vocab", 256_000, 64)],
  ] as const
).map(([nVocab, refused]): Row => {
  return { id: "GJ05", input: `n_vocab ${nVocab}`, bytes: smallModel(hyper(0, nVocab)).subarray(0, 100), refused };
});

/** Refused when weights are asked for. */
const hyperParams: readonly Row[] = (
  [
    ["n_embd 0", hyper(1, 0), 12, "n_embd", "at least 1", 0],
    ["n_mult 0", hyper(2, 0), 16, "n_mult", "at least 1", 0],
    ["n_head 0", hyper(3, 0), 20, "n_head", "a divisor of n_embd, 8", 0],
    ["n_head 3 of 8", hyper(3, 3), 20, "n_head", "a divisor of n_embd, 8", 3],
    ["n_layer 0", hyper(4, 0), 24, "n_layer", "1 to 454", 0],
    ["n_layer 2^31", hyper(4, 2 ** 31), 24, "n_layer", "1 to 454", 2 ** 31],
    ["n_rot 3", hyper(5, 3), 28, "n_rot", "the head size, 4", 3],
    ["n_rot 8", hyper(5, 8), 28, "n_rot", "the head size, 4", 8],
    ["n_rot 3 in a ggml file", { magic: MAGIC.ggml, ...hyper(5, 3) }, 24, "n_rot", "the head size, 4", 3],
    ["odd head size", { hyper: [5, 9, 8, 3, 1, 3, 0] }, 28, "n_rot", "an even head size", 3],
  ] as const
).map(([input, changes, offset, field, expected, got]): Row => {
  const refused: Refused = ["E_HPARAM", offset, field, expected, got];
  return { id: "GJ06", input, bytes: smallModel(changes), weights: true, refused };
});

const vocabularyOnly: Row = {
  id: "GJ06",
  input: "vocabulary only, zero hyper-parameters",
  bytes: ggmlBytes({ vocab: SMALL_VOCAB, hyper: [5, 0, 0, 0, 0, 0, 0] }),
  check: (file) => expect(file.vocab.length).toBe(5),
};

const allF16 = smallModel({ ...hyper(6, 2), tensors: smallTensors(1) });

const fileTypes: readonly Row[] = [
  ...[5, 6, 19, 99].map((ftype): Row => {
    const refused: Refused = ["E_FTYPE", 32, "ftype", "0 to 4 or 7 to 18", ftype];
    return { id: "GJ07", input: `ftype ${ftype}`, bytes: smallModel(hyper(6, ftype)), refused };
  }),
  {
    id: "GJ07",
    input: "ftype Q4_0, all tensors f16",
    bytes: allF16,
    weights: true,
    check: (file) =>
      expect(file.warnings).toEqual(["the file type is 2 (mostly Q4_0), but no tensor with two dimensions is q4_0"]),
  },
  {
    id: "GJ07",
    input: "ftype Q4_0, all tensors f16, strict",
    bytes: allF16,
    options: { strict: true },
    refused: ["E_FTYPE", 32, "ftype", "a tensor of type q4_0", 2],
  },
];

const lyingLength = smallModel({ vocab: [...SMALL_VOCAB.slice(0, 4), { text: "the", len: 60_000 }] });

const texts: readonly Row[] = [
  {
    id: "GJ08",
    input: "length 2^32-1",
    bytes: ggmlBytes({ vocab: [{ text: "a" }, { text: "b", len: 0xffffffff }] }),
    refused: ["E_LENGTH", 45, "vocab[1].len", "at most 54", 0xffffffff],
  },
  {
    id: "GJ08",
    input: "length over all that the file has",
    bytes: lyingLength,
    refused: ["E_LENGTH", VOCAB_START + 13 + 8 + 8 + 9, "vocab[4].len", `at most ${lyingLength.length}`, 60_000],
  },
  {
    // a length that passes the end by a little looks like a file that was cut, which GJ02 wants as E_TRUNC
    id: "GJ08",
    input: "length one over what is left",
    bytes: ggmlBytes({ vocab: [{ text: "a", len: 6 }] }),
    refused: truncated(VOCAB_START + 4, "vocab[0].text", 6, 5),
  },
  {
    id: "GJ08",
    input: "length 64 KiB + 1",
    bytes: ggmlBytes({ vocab: [{ text: new Uint8Array(65_537) }] }),
    refused: ["E_LENGTH", VOCAB_START, "vocab[0].len", "at most 65536", 65_537],
  },
  {
    id: "GJ08",
    input: "length 64 KiB",
    bytes: ggmlBytes({ vocab: [{ text: new Uint8Array(65_536) }] }),
    check: (file) => expect(file.vocab[0]?.text.length).toBe(65_536),
  },
  ...[Number.NaN, Infinity, -Infinity].map((score): Row => {
    const bytes = ggmlBytes({ vocab: [{ text: "a", score }] });
    return { id: "GJ09", input: `score ${score}`, bytes, refused: badScore(`${score}`) };
  }),
  {
    id: "GJ10",
    input: "byte 0x80; A twice",
    bytes: ggmlBytes({ vocab: [{ text: Uint8Array.of(0x80) }, { text: "A" }, { text: "A" }] }),
    check: (file) => expect(file.vocab.map(({ text }) => [...text])).toEqual([[0x80], [0x41], [0x41]]),
  },
];

function byteSwapped(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.slice(0, bytes.length - (bytes.length % 4)).buffer);
  for (let i = 0; i < view.byteLength; i += 4) view.setUint32(i, view.getUint32(i, true));
  return new Uint8Array(view.buffer);
}

const bigEndian: Row = {
  id: "GJ28",
  input: "big-endian numbers throughout",
  bytes: byteSwapped(small),
  refused: wrongMagic("746a6767", "big-endian"),
};

export const headerRows: readonly Row[] = [
  ...shortFiles,
  ...otherFiles,
  ...oldFiles,
  ...versions,
  ...versionTable,
  ...vocabCounts,
  ...hyperParams,
  vocabularyOnly,
  ...fileTypes,
  ...texts,
  bigEndian,
];
