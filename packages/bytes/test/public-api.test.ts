import { expect, test } from "vitest";
import * as api from "../src/index.ts";
import * as node from "../src/node.ts";
import * as workers from "../src/workers.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BoundedReader",
      "FormatError",
      "IoError",
      "PASSING_STATUS",
      "WorkerError",
      "allocate",
      "assertSource",
      "assertSpan",
      "blobSource",
      "closeAll",
      "createBudget",
      "createReader",
      "decodeBf16",
      "decodeF16",
      "encodeF16",
      "f16ToF32",
      "f16Values",
      "f32ToF16",
      "headerBudget",
      "httpAddress",
      "httpSource",
      "isBytes",
      "isError",
      "isFormatError",
      "isIoError",
      "isTypedArray",
      "isWorkerError",
      "kindOf",
      "memorySink",
      "memorySource",
      "printable",
      "sendRequest",
      "turn",
    ]
  `);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "createOutFile",
      "openFileSource",
      "openPartFile",
      "openPieceFolder",
      "reason",
      "removeTemporaryFiles",
    ]
  `);
  expect(Object.keys(workers).sort()).toMatchInlineSnapshot(`
    [
      "answerRequests",
      "availableCores",
      "createWorkerPool",
      "errorFrom",
      "isSyncReadable",
      "openSyncFile",
      "parentPort",
      "plainError",
      "scriptUrl",
      "workerSpawner",
    ]
  `);
});
