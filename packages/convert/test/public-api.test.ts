import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ConvertError",
      "PieceTypes",
      "WorkerError",
      "contentsOfGgml",
      "contentsOfGguf",
      "convertCheckpoint",
      "convertedBytes",
      "isConvertError",
      "isWorkerError",
      "quantizeModel",
      "quantizedBytes",
      "unstoredParams",
      "vocabFileBytes",
      "writeVocabFile",
    ]
  `);
});
