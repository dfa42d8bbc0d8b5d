import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BatchItemError",
      "ContextOverflowError",
      "KV_TYPES",
      "MAX_DRAFT_TOKENS",
      "MemoryError",
      "ModelError",
      "SessionError",
      "StatePositionError",
      "WorkerError",
      "assertConfig",
      "checkTensors",
      "configFromGgml",
      "configFromGguf",
      "createDrafter",
      "createGenerator",
      "createScalarModel",
      "expectedTensors",
      "fingerprintOf",
      "generate",
      "isModelError",
      "isSessionError",
      "isWorkerError",
      "kvCacheBytes",
      "kvTypeName",
      "loadModel",
      "loadWeights",
      "loraFromGguf",
      "matchSession",
      "measureInputs",
      "modelMemory",
      "readSession",
      "restoreSession",
      "returnTo",
      "sessionFileBytes",
      "unreadKeys",
      "withLora",
      "writeSession",
    ]
  `);
});
