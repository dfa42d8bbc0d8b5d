// tokenizer.model files, with which texts are encoded in every way.

import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { seeds as sentencePieceSeeds } from "./sentencepiece.ts";
import { ALLOWANCE_BYTES, asProgram } from "./small-engine.ts";

export { dictionary } from "./sentencepiece.ts";
export const seeds: readonly Uint8Array[] = sentencePieceSeeds;
export const allowanceBytes: number = ALLOWANCE_BYTES;

const TEXTS = ["", " ", "a b\u00e4", "ab".repeat(300), "\u2581\ud83e\udd99\n\0", "  a  "].map((text) =>
  new TextEncoder().encode(text),
);
TEXTS.push(Uint8Array.of(0xff, 0xc3, 0x61, 0xe2, 0x96));

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const tokenizer = createTokenizer(readSentencePieceModel(data, "tokenizer.model"));
    for (const mode of ["build803", "sentencepiece"] as const) {
      for (const prompt of [false, true]) {
        for (const text of TEXTS) tokenizer.decode(tokenizer.encode(text, { mode, prompt }));
      }
    }
  });
}
