import { expect, it } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";

it("exports these names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "CheckpointError",
      "TOKENIZER_FILES",
      "asType",
      "assembleCheckpoint",
      "checkpointFromGgml",
      "concatRows",
      "isCheckpointError",
      "openFolderCheckpoint",
      "openFolderHf",
      "openHfModel",
      "openLlama2c",
      "openSafetensors",
      "openTorchCheckpoint",
      "readAddedTokens",
      "readJsonObject",
      "readLlama2cTokenizer",
      "readPickle",
      "readTokenizerFiles",
      "unitTensor",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "diskFolder",
      "openCheckpoint",
      "openHfDirectory",
      "openStoredTensors",
      "openZipArchive",
    ]
  `);
});
