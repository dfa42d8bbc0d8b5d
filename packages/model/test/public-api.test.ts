import { expect, test } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "TRAINED_CONTEXT_TOKENS",
      "containerOf",
      "ggufTokenizer",
      "openAdapter",
      "openModelFile",
      "typeMix",
      "unreadTokenizerKeys",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "TRAINED_CONTEXT_TOKENS",
      "containerAt",
      "containerOf",
      "ggufTokenizer",
      "openAdapter",
      "openModelFile",
      "typeMix",
      "unreadTokenizerKeys",
    ]
  `);
});
