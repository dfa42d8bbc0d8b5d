import { expect, test } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "TRAINED_CONTEXT_TOKENS",
      "containerOf",
      "ggufTokenizer",
      "loraFromGguf",
      "matchSession",
      "openAdapter",
      "openModelFile",
      "readSession",
      "restoreSession",
      "sessionFileBytes",
      "typeMix",
      "unreadTokenizerKeys",
      "withLora",
      "writeSession",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "TRAINED_CONTEXT_TOKENS",
      "containerAt",
      "containerOf",
      "ggufTokenizer",
      "loraFromGguf",
      "matchSession",
      "openAdapter",
      "openModelFile",
      "readSession",
      "restoreSession",
      "sessionFileBytes",
      "typeMix",
      "unreadTokenizerKeys",
      "withLora",
      "writeSession",
    ]
  `);
});
