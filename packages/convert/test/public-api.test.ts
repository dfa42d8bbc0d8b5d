import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ConvertError",
      "PieceTypes",
      "WorkerError",
      "chosenImportance",
      "contentsOfGgml",
      "contentsOfGguf",
      "convertCheckpoint",
      "convertedBytes",
      "importanceFileBytes",
      "isConvertError",
      "isWorkerError",
      "modelNameOf",
      "openImportance",
      "planGguf",
      "planGgufCopy",
      "planHf",
      "quantizeGguf",
      "quantizeModel",
      "quantizedBytes",
      "unstoredParams",
      "vocabFileBytes",
      "writeConversion",
      "writeImportance",
      "writeVocabFile",
    ]
  `);
});
