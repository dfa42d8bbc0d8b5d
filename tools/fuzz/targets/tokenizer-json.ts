// tokenizer.json and tekken.json, and texts encoded with what comes out of them.

import { createJsonTokenizer } from "@ll/tokenizer";
import { ALLOWANCE_BYTES } from "./small-engine.ts";

const SPECIAL = { id: 5, content: "<|end|>", special: true, lstrip: true, rstrip: true, single_word: true };
const QWEN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const byteLevel = {
  added_tokens: [SPECIAL, { ...SPECIAL, id: 6, content: "<x>", special: false }],
  normalizer: { type: "NFC" },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: QWEN }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    ],
  },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<|end|>" } }, { Sequence: { id: "A" } }],
  },
  model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2, "\u0120": 3, "\u0120ab": 4 }, merges: ["a b", ["\u0120", "ab"]] },
};
const fallback = {
  added_tokens: [{ ...SPECIAL, id: 4, content: "<unk>" }],
  normalizer: { type: "Replace", pattern: { String: " " }, content: "\u2581" },
  model: {
    type: "BPE",
    byte_fallback: true,
    unk_token: "<unk>",
    vocab: { "<0x0A>": 0, a: 1, "\u2581": 2, "\u2581a": 3 },
    merges: ["\u2581 a"],
  },
};
const tekken = {
  config: { default_num_special_tokens: 3, default_vocab_size: 260 },
  vocab: Array.from({ length: 257 }, (_, rank) => ({
    rank,
    token_bytes: Buffer.from(rank < 256 ? [rank] : [0x61, 0x62]).toString("base64"),
  })),
  special_tokens: [{ rank: 2, token_str: "</s>" }],
};

const encoder = new TextEncoder();
export const seeds: readonly Uint8Array[] = [byteLevel, fallback, tekken].map((file) =>
  encoder.encode(JSON.stringify(file)),
);
export const dictionary: readonly string[] = [
  '"merges"',
  '"vocab"',
  '"ByteLevel"',
  '"Digits"',
  "\\ud83e",
  '"__proto__"',
  "null",
  "1e3",
];
export const allowanceBytes: number = ALLOWANCE_BYTES;

const TEXTS: readonly (string | Uint8Array)[] = [
  "",
  " ab<|end|> <x>",
  "e\u0301 \n",
  "ab".repeat(300),
  Uint8Array.of(0xff, 0xc3, 0x61),
];

export function fuzz(data: Uint8Array): void {
  for (const ids of ["publisher", "llama.cpp"] as const) {
    const tokenizer = createJsonTokenizer(data, { ids }, "tokenizer.json");
    for (const text of TEXTS) {
      for (const special of [false, true]) {
        tokenizer.decode(tokenizer.encode(text, { special, prompt: special }), { special, clean: special });
      }
    }
  }
}
