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
      "concatRows",
      "isCheckpointError",
      "openHfModel",
      "openLlama2c",
      "openSafetensors",
      "openTorchCheckpoint",
      "readAddedTokens",
      "readJsonObject",
      "readLlama2cTokenizer",
      "readPickle",
      "unitTensor",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "openCheckpoint",
      "openHfDirectory",
      "openStoredTensors",
      "openZipArchive",
    ]
  `);
});
