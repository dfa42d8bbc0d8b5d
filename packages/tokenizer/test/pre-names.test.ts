// The name of the pre-tokenizer that a file gets is the one that llama.cpp's converter finds in its table of hashes.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { type PreTokenizer, preNameOf, preTokenizer } from "../src/byte-level/pretokenizers.ts";
import { createGgufTokenizer, createHfTokenizer, type Tokenizer } from "../src/index.ts";
import { readJsonVocabulary } from "../src/json-tokenizer.ts";
import { readGgufTokenizer } from "./support/gguf-vocabulary.ts";

interface Table {
  readonly text: string;
  readonly names: readonly (readonly [hash: string, name: string])[];
}

const unzipped = (name: string): Uint8Array => gunzipSync(readFileSync(testData(`vocab/${name}.gz`)));

describeWithTestData("names of pre-tokenizers", () => {
  const { text, names }: Table = JSON.parse(readFileSync(testData("vocab/pre-hashes.json"), "utf8"));

  /** As a publisher's tokenizer encodes the text of the table, BOS in front if it puts one there. */
  const nameByHash = (tokenizer: Tokenizer): string | undefined => {
    const ids = Array.from(tokenizer.encode(text, { bos: tokenizer.addBos, special: true }));
    const hash = createHash("sha256")
      .update(`[${ids.join(", ")}]`)
      .digest("hex");
    return names.find(([known]) => known === hash)?.[1];
  };

  test.each([
    ["llama3", "llama-bpe"],
    ["qwen3", "qwen2"],
    ["gptoss", "gpt-4o"],
    ["deepseek3", "deepseek-v3"],
  ])("%s-tokenizer.json: %s by its rules and by its hash", (name, expected) => {
    const tokenizerJson = unzipped(`${name}-tokenizer.json`);
    const { pre, ignoreMerges } = readJsonVocabulary(tokenizerJson);
    expect(preNameOf(pre as PreTokenizer, ignoreMerges)).toBe(expected);
    const tokenizerConfig = unzipped(`${name}-tokenizer_config.json`);
    expect(nameByHash(createHfTokenizer({ tokenizerJson, tokenizerConfig }))).toBe(expected);
  });

  test.each([
    "llama3",
    "qwen3",
    "gptoss",
    "deepseek3",
    "tekken",
    "gpt2",
    "starcoder2",
    "deepseek-coder",
    "deepseek-llm",
  ])("%s.gguf: the name in the file, by its rules and by its hash", async (name) => {
    const from = await readGgufTokenizer(testData(`vocab/${name}.gguf.gz`));
    expect(nameByHash(createGgufTokenizer(from))).toBe(from.pre);
    const row = preTokenizer(from.pre as string) as PreTokenizer;
    expect(preNameOf(row, row.ignoreMerges === true)).toBe(from.pre);
  });
});
