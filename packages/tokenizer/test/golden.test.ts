// Ids recorded from llama.cpp build 803 and from SentencePiece 0.1.97, about 200 strings for each of three vocabularies.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../tools/test-data.ts";
import { createTokenizer, ggmlVocab, readSentencePieceModel, type Tokenizer } from "../src/index.ts";
import { readGgmlVocabulary } from "./support/ggml-vocabulary.ts";

interface Recording {
  readonly text: string;
  readonly build803: readonly number[];
  readonly sentencepiece: readonly number[];
}

function readRecordings(path: string): Recording[] {
  return JSON.parse(readFileSync(path, "utf8"));
}

function tokenizerOf(path: string): Tokenizer {
  return createTokenizer(readSentencePieceModel(readFileSync(path), path));
}

function tokenizerOfGgml(path: string): Tokenizer {
  return createTokenizer(readGgmlVocabulary(readFileSync(path)));
}

function expectRecorded(
  tokenizer: Tokenizer,
  recordings: readonly Recording[],
  mode: "build803" | "sentencepiece",
): void {
  for (const recording of recordings) {
    expect({ text: recording.text, ids: [...tokenizer.encode(recording.text, { mode })] }).toEqual({
      text: recording.text,
      ids: recording[mode],
    });
  }
}

describe("tiny", () => {
  const recordings = readRecordings(fixture("tiny/golden/tiny-tokenizer.json"));
  const tokenizer = tokenizerOf(fixture("tiny/meta/tokenizer.model"));

  test("there are recordings", () => expect(recordings.length).toBeGreaterThan(100));
  test("build 803", () => expectRecorded(tokenizer, recordings, "build803"));
  test("SentencePiece", () => expectRecorded(tokenizer, recordings, "sentencepiece"));
});

describeWithTestData("third-party vocabularies", () => {
  test.each([
    ["vocab/llama-tokenizer.model", "golden/llama-tokenizer.json"],
    ["models/stories260k/hf/tokenizer.model", "golden/stories260k-tokenizer.json"],
    ["models/stories260k/meta-f16/tokenizer.model", "golden/stories260k-tokenizer.json"],
  ])("%s", (model, golden) => {
    const recordings = readRecordings(testData(golden));
    expect(recordings.length).toBeGreaterThan(100);
    expectRecorded(tokenizerOf(testData(model)), recordings, "build803");
    expectRecorded(tokenizerOf(testData(model)), recordings, "sentencepiece");
  });

  test.each([
    ["vocab/llama-ggjt-v1.bin", "golden/llama-tokenizer.json"],
    ["vocab/llama-ggmf-v1.bin", "golden/llama-tokenizer.json"],
    ["models/tiny/ggjt/f16.bin", "golden/tiny-tokenizer.json"],
    ["models/tiny/ggjt/q4_0.bin", "golden/tiny-tokenizer.json"],
    ["models/stories260k/ggjt/q4_0.bin", "golden/stories260k-tokenizer.json"],
  ])("the vocabulary in %s", (file, golden) => {
    const recordings = readRecordings(testData(golden));
    const tokenizer = tokenizerOfGgml(testData(file));
    expectRecorded(tokenizer, recordings, "build803");
    // stories260k's tokenizer.model asks for spaces to be removed; a ggml file cannot say so
    if (!file.includes("stories260k")) expectRecorded(tokenizer, recordings, "sentencepiece");
  });

  test.each([
    ["vocab/llama-tokenizer.model", "vocab/llama-ggjt-v1.bin"],
    ["models/tiny/hf/tokenizer.model", "models/tiny/ggjt/f16.bin"],
    ["models/stories260k/hf/tokenizer.model", "models/stories260k/ggjt/f16.bin"],
  ])("%s becomes the vocabulary in %s, to the bit", (modelPath, ggmlPath) => {
    const made = ggmlVocab(readSentencePieceModel(readFileSync(testData(modelPath))));
    const stored = readGgmlVocabulary(readFileSync(testData(ggmlPath)));
    const plain = (entries: readonly { text: Uint8Array; score: number }[]) =>
      entries.map(({ text, score }) => ({ text: [...text].join(" "), score: Object.is(score, -0) ? "-0" : score }));
    expect(plain(made)).toEqual(plain(stored));
  });
});
