import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "ContextOverflowError",
      "ModelError",
      "SessionError",
      "assertConfig",
      "configFromGgml",
      "createGenerator",
      "createScalarModel",
      "derivedSizes",
      "expectedTensors",
      "generate",
      "isModelError",
      "isSessionError",
      "kvCacheBytes",
      "loadWeights",
      "matchSession",
      "readSession",
      "restoreSession",
      "sessionFileBytes",
      "writeSession",
    ]
  `);
});
