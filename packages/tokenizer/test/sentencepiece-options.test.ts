// What models other than LLaMA's ask for, compared with SentencePiece itself: recorded/record.ts made the recordings.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTokenizer, readSentencePieceModel } from "../src/index.ts";
import { recordedInputs } from "./recorded/record.ts";
import { variantBytes, variants } from "./recorded/variants.ts";

const { inputs, recordings } = JSON.parse(
  readFileSync(join(import.meta.dirname, "recorded", "sentencepiece.json"), "utf8"),
) as { inputs: string[]; recordings: Record<string, string[]> };

describe("mode sentencepiece", () => {
  test.each([...variants])("%s", (name, variant) => {
    const tokenizer = createTokenizer(readSentencePieceModel(variantBytes(variant)));
    const encoded = inputs.map((hex) =>
      [...tokenizer.encode(Buffer.from(hex, "hex"), { mode: "sentencepiece" })].join(" "),
    );
    expect(encoded).toEqual(recordings[name]);
  });

  test("the recordings are of what record.ts would record today", () => {
    expect(inputs).toEqual(recordedInputs());
    expect(Object.keys(recordings)).toEqual([...variants.keys()]);
  });

  test("the variants differ, so that each option counts", () => {
    const distinct = new Set(Object.values(recordings).map((ids) => JSON.stringify(ids)));
    expect(distinct.size).toBe(variants.size);
  });
});
