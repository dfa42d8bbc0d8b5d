import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ARCHITECTURES",
      "FILE_TYPES",
      "GgufKeys",
      "GraphBuilder",
      "HfKeys",
      "LAST_GGML_FILE_TYPE",
      "LLAMA_NAMES",
      "factorsOf",
      "feedForwardFactor",
      "feedForwardSize",
      "fileType",
      "fileTypeLabel",
      "fileTypeOf",
      "findMult",
      "hfParts",
      "lastUses",
      "llama",
      "metaName",
      "metaTensors",
      "plannedWeights",
      "roleOfMetaName",
      "unreadKeys",
    ]
  `);
});

test("depends on nothing", () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  expect(Object.keys(manifest)).not.toContain("dependencies");
  expect(Object.keys(manifest)).not.toContain("peerDependencies");
});
