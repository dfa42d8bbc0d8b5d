// For each parser the inputs that cost it most: many small records, texts that are all escapes, values that are used again and again.

import { type Budget, type ByteSource, memorySource } from "@ll/bytes";
import { openLlama2c, openSafetensors, openTorchCheckpoint, readAddedTokens, readPickle } from "@ll/checkpoint";
import { openZipArchive } from "@ll/checkpoint/node";
import { openGgml, openLora } from "@ll/ggml-format";
import { openGguf } from "@ll/gguf";
import { createHfTokenizer, createJsonTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { readHfConfig } from "../packages/checkpoint/src/hf-config.ts";
import { readShardIndex } from "../packages/checkpoint/src/shard-index.ts";
import * as p from "../packages/checkpoint/test/support/pickle-writer.ts";
import { safetensorsText } from "../packages/checkpoint/test/support/safetensors-writer.ts";
import { zip } from "../packages/checkpoint/test/support/zip-writer.ts";
import { concat, ggmlBytes, MAGIC, u32 } from "../packages/ggml-format/test/ggml-bytes.ts";
import { loraBytes } from "../packages/ggml-format/test/lora-bytes.ts";
import { ARRAY, array, ggufBytes, STRING, text, u8 } from "../packages/gguf/test/support/gguf-bytes.ts";
import { basePieces, modelBytes, TYPE } from "../packages/tokenizer/test/support/model-bytes.ts";

export interface HostileInput {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What the parser makes of it may be an error. */
  readonly parse: (bytes: Uint8Array, budget: Budget) => unknown;
}

type Open = (source: ByteSource, options: { budget: Budget }) => unknown;
const opening = (open: Open) => (bytes: Uint8Array, budget: Budget) => open(memorySource(bytes), { budget });

const short = (index: number): string => index.toString(36).padStart(4, "0");
const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const utf8 = (json: string): Uint8Array => new TextEncoder().encode(json);

/** `unit` so often that there are `size` bytes. */
function repeat(unit: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(Math.max(1, Math.floor(size / unit.length)) * unit.length);
  for (let at = 0; at < out.length; at += unit.length) out.set(unit, at);
  return out;
}

/** @param size of each input, about, where its kind has no smaller limit */
export function hostileInputs(size: number): HostileInput[] {
  const nVocab = Math.min(1_000_000, Math.floor(size / 8));
  const ggml = opening(openGgml);
  const gguf = opening(openGguf);
  const tensors = (length: number) =>
    times(4096, (i) => ({ name: short(i).padStart(length, "0"), ne: [1], data: new Uint8Array(4) }));
  const ggufTensors = (length: number) =>
    times(4096, (i) => ({ name: short(i).padStart(length, "0"), type: 24, ne: [0] }));
  const ggufTexts = Math.floor(size / 8);
  const ggufArrays = Math.floor(size / 12);

  const safetensors = opening(openSafetensors);
  const entry = (i: number) => `"${short(i)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
  const header = (json: string): Uint8Array => safetensorsText(json);
  const config = opening(readHfConfig);
  const index = opening(readShardIndex);
  const member = (body: string): Uint8Array => utf8(`{"x":${body}}`);
  const commas = (item: string, bytes = size): string =>
    Array(Math.floor(bytes / (item.length + 1)))
      .fill(item)
      .join(",");

  const pickle = (bytes: Uint8Array, budget: Budget): unknown => readPickle(bytes, { budget });
  // as many as the limits of pickles allow
  const inList = (item: Uint8Array, n: number): Uint8Array =>
    p.pickle(
      p.EMPTY_LIST,
      repeat(concat([p.MARK, repeat(item, 9000 * item.length), p.APPENDS]), Math.min(size, n * item.length)),
    );
  const sizes = concat([p.MARK, repeat(p.int(1), 2 * 9000), p.TUPLE, p.put(1)]);
  const resized = concat([
    p.global("torch", "Size"),
    p.put(0),
    sizes,
    repeat(concat([p.get(0), p.get(1), p.TUPLE1, p.REDUCE]), size),
  ]);
  const open = async (bytes: Uint8Array, budget: Budget) =>
    openTorchCheckpoint(await openZipArchive(memorySource(bytes), { budget }));

  return [
    {
      name: "ggjt: empty vocabulary texts",
      bytes: concat([u32(MAGIC.ggjt, 3, nVocab, 0, 0, 0, 0, 0, 0), new Uint8Array(8 * nVocab)]),
      parse: ggml,
    },
    {
      name: "ggml: empty vocabulary texts",
      bytes: concat([u32(MAGIC.ggml, nVocab, 0, 0, 0, 0, 0, 0), new Uint8Array(4 * nVocab)]),
      parse: ggml,
    },
    {
      name: "ggmf: tensors with short names",
      bytes: ggmlBytes({ magic: MAGIC.ggmf, tensors: tensors(4) }),
      parse: ggml,
    },
    {
      name: "ggmf: tensors with long names",
      bytes: ggmlBytes({ magic: MAGIC.ggmf, tensors: tensors(255) }),
      parse: ggml,
    },
    { name: "lora: tensors", bytes: loraBytes({ tensors: tensors(4) }), parse: opening(openLora) },
    {
      name: "gguf: empty texts",
      bytes: ggufBytes({
        pairs: [{ key: "k", type: ARRAY, value: array(STRING, [new Uint8Array(8 * ggufTexts)], BigInt(ggufTexts)) }],
      }),
      parse: gguf,
    },
    {
      name: "gguf: empty arrays",
      bytes: ggufBytes({
        pairs: [{ key: "k", type: ARRAY, value: array(ARRAY, [new Uint8Array(12 * ggufArrays)], BigInt(ggufArrays)) }],
      }),
      parse: gguf,
    },
    {
      name: "gguf: one text",
      bytes: ggufBytes({ pairs: [{ key: "k", type: STRING, value: text(new Uint8Array(size)) }] }),
      parse: gguf,
    },
    {
      name: "gguf: long keys",
      bytes: ggufBytes({
        pairs: times(Math.ceil(size / 65_536), (i) => ({ key: short(i).padStart(65_535, "0"), type: 0, value: u8(1) })),
      }),
      parse: gguf,
    },
    {
      name: "gguf: pairs and tensors",
      bytes: ggufBytes({
        pairs: times(1024, (i) => ({ key: short(i), type: STRING, value: text("a") })),
        tensors: ggufTensors(4),
      }),
      parse: gguf,
    },
    {
      name: "safetensors: empty tensors",
      bytes: header(`{${times(Math.floor(size / 60), entry).join(",")}}`),
      parse: safetensors,
    },
    {
      name: "safetensors: metadata",
      bytes: header(`{"__metadata__":{${times(Math.floor(size / 10), (i) => `"${short(i)}":""`).join(",")}}}`),
      parse: safetensors,
    },
    {
      name: "safetensors: a text of escapes",
      bytes: header(`{"__metadata__":{"a":"${"\\n".repeat(size / 2)}"}}`),
      parse: safetensors,
    },
    { name: "safetensors: white space", bytes: header(`{${" ".repeat(size)}}`), parse: safetensors },
    { name: "json: numbers", bytes: member(`[${commas("0")}]`), parse: config },
    { name: "json: arrays", bytes: member(`[${commas("[]")}]`), parse: config },
    { name: "json: keys", bytes: member(`[${commas('{"":0}')}]`), parse: config },
    { name: "json: escapes", bytes: member(`"${"\\u0041".repeat(size / 6)}"`), parse: config },
    {
      name: "json: added tokens",
      bytes: utf8(`{${times(Math.floor(size / 9), (i) => `"${short(i)}":${i}`).join(",")}}`),
      parse: opening(readAddedTokens),
    },
    {
      name: "json: names in an index",
      bytes: utf8(`{"weight_map":{${times(Math.floor(size / 11), (i) => `"${short(i)}":"a"`).join(",")}}}`),
      parse: index,
    },
    { name: "pickle: lists in a list", bytes: inList(p.EMPTY_LIST, 190_000), parse: pickle },
    { name: "pickle: dicts in a list", bytes: inList(p.EMPTY_DICT, 190_000), parse: pickle },
    { name: "pickle: numbers in a list", bytes: inList(p.int(1), 990_000), parse: pickle },
    { name: "pickle: texts in a list", bytes: inList(p.str("a"), 990_000), parse: pickle },
    { name: "pickle: one tuple of sizes, again and again", bytes: p.pickle(resized), parse: pickle },
    { name: "pickle: texts and memo", bytes: p.pickle(repeat(concat([p.str(""), p.put(1000)]), size)), parse: pickle },
    { name: "pickle: a tuple in a tuple", bytes: p.pickle(p.EMPTY_TUPLE, repeat(p.TUPLE1, size)), parse: pickle },
    {
      name: "pickle: a value set, fetched and dropped",
      bytes: p.pickle(p.dict([]), p.put(0), repeat(concat([p.get(0), p.BUILD]), size)),
      parse: pickle,
    },
    {
      name: "sentencepiece: short pieces",
      bytes: modelBytes([
        ...basePieces(),
        ...times(Math.min(900_000, Math.floor(size / 13)), (i) => ({ text: short(i), score: 0, type: TYPE.normal })),
      ]),
      parse: (bytes, budget) => readSentencePieceModel(bytes, "tokenizer.model", { budget }),
    },
    ...jsonTokenizers(size),
    {
      name: "zip: members",
      bytes: zip({
        entries: times(Math.min(10_000, Math.floor(size / 86)), (i) => ({ name: short(i), data: new Uint8Array(0) })),
      }),
      parse: open,
    },
    {
      name: "zip: a comment",
      bytes: zip({ entries: [{ name: "a/data.pkl", data: p.pickle(p.dict([])) }], comment: new Uint8Array(65_535) }),
      parse: open,
    },
    {
      name: "llama2c: layers that are not there",
      bytes: concat([u32(1, 1, 1000, 1, 1, 1, 1), new Uint8Array(4)]),
      parse: opening(openLlama2c),
    },
  ];
}

/** tokenizer.json and tekken.json with as many records as fit. */
function jsonTokenizers(size: number): HostileInput[] {
  const parse = (bytes: Uint8Array, budget: Budget): unknown =>
    createJsonTokenizer(bytes, { budget }, "tokenizer.json");
  const file = (vocab: string, merges: string, added = ""): Uint8Array =>
    new TextEncoder().encode(
      `{"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[${added}],"model":{"type":"BPE","vocab":{${vocab}},"merges":[${merges}]}}`,
    );
  const list = (count: number, item: (i: number) => string): string => times(count, item).join();
  return [
    {
      name: "tokenizer.json: tokens",
      bytes: file(
        list(size / 16, (i) => `"${i.toString(36)}":${i}`),
        "",
      ),
      parse,
    },
    {
      name: "tokenizer.json: merges",
      bytes: file(
        '"a":0',
        list(size / 6, () => '"a b"'),
      ),
      parse,
    },
    {
      name: "tokenizer.json: merges in pairs",
      bytes: file(
        '"a":0',
        list(size / 10, () => '["a"," "]'),
      ),
      parse,
    },
    {
      name: "tokenizer.json: merges of spaces",
      bytes: file(
        '"a":0',
        list(size / 1000, () => `["${" ".repeat(990)}","a"]`),
      ),
      parse,
    },
    {
      name: "tokenizer.json: added tokens",
      bytes: file(
        '"a":0',
        "",
        list(size / 40, (i) => `{"id":${i},"content":"${i.toString(36)}"}`),
      ),
      parse,
    },
    {
      name: "tokenizer.json: control tokens, in a directory",
      bytes: file(
        '"a":0',
        "",
        list(size / 50, (i) => `{"id":${i},"content":"<|${i.toString(36)}|>","special":true}`),
      ),
      parse: (bytes, budget) => createHfTokenizer({ tokenizerJson: bytes }, { budget }),
    },
  ];
}
