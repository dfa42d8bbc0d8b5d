import { expect, it } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";

it("exports these names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "CheckpointError",
      "asType",
      "assembleCheckpoint",
      "checkpointFromGgml",
      "isCheckpointError",
      "openLlama2c",
      "openSafetensors",
      "openTorchCheckpoint",
      "readAddedTokens",
      "readLlama2cTokenizer",
      "readPickle",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "openCheckpoint",
      "openStoredTensors",
      "openZipArchive",
    ]
  `);
});
