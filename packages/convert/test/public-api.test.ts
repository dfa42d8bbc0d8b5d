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
      "isConvertError",
      "isWorkerError",
      "openImportance",
      "planGguf",
      "quantizeGguf",
      "quantizeModel",
      "quantizedBytes",
      "unstoredParams",
      "vocabFileBytes",
      "writeVocabFile",
    ]
  `);
});
