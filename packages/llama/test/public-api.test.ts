import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BUILD_803",
      "BatchItemError",
      "ContextOverflowError",
      "DEFAULT_DRAFT_TOKENS",
      "Fnv1a",
      "KV_TYPES",
      "MAX_DRAFT_TOKENS",
      "MemoryError",
      "ModelError",
      "SessionError",
      "StatePositionError",
      "WorkerError",
      "assertConfig",
      "assertNoState",
      "checkTensors",
      "configFromGgml",
      "configFromGguf",
      "createDrafter",
      "createGenerator",
      "createScalarModel",
      "createTextStream",
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
      "measureInputs",
      "modelMemory",
      "returnTo",
      "unreadKeys",
    ]
  `);
});
