import { expect, test } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "GGUF_MAGIC",
      "GgufArray",
      "GgufFormatError",
      "GgufText",
      "createGgufWriter",
      "decodeText",
      "ggufFileBytes",
      "isGgufFormatError",
      "metadataGetter",
      "openGguf",
      "openGgufSet",
      "tensorBytes",
      "tensorType",
      "tensorTypeById",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "ggufSetPaths",
      "openGgufPath",
    ]
  `);
});
