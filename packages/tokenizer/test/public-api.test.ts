import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("exports", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "TextTooLongError",
      "TokenizerModelError",
      "createTokenizer",
      "ggmlVocab",
      "isTokenizerModelError",
      "modelFromGgufVocab",
      "readSentencePieceModel",
    ]
  `);
});
