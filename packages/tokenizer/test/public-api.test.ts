import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("exports", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "GGUF_ID_NAMES",
      "TextTooLongError",
      "TokenizerModelError",
      "VOCABULARY_KINDS",
      "assertGgufTokenizer",
      "createGgufTokenizer",
      "createHfTokenizer",
      "createJsonTokenizer",
      "createTokenizer",
      "ggmlVocab",
      "hfVocabulary",
      "isTokenizerModelError",
      "readSentencePieceModel",
    ]
  `);
});
