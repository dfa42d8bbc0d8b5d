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
      "matchVocabulary",
      "modelNameOf",
      "openImportance",
      "planGguf",
      "planGgufCopy",
      "planHf",
      "quantizeGguf",
      "quantizeModel",
      "quantizedBytes",
      "sentencePieces",
      "unstoredParams",
      "usualOutType",
      "vocabFileBytes",
      "writeConversion",
      "writeImportance",
      "writeVocabFile",
    ]
  `);
});
