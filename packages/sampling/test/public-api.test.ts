import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BUILD_803_DEFAULTS",
      "build803Chain",
      "createCandidates",
      "createRng",
      "createSampler",
      "expf",
      "findCandidate",
      "keepOnly",
      "log2f",
      "logf",
      "powf",
      "resolveSeed",
      "softmax",
      "sortCandidates",
    ]
  `);
});

test("depends on nothing", () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  expect(Object.keys(manifest)).not.toContain("dependencies");
  expect(Object.keys(manifest)).not.toContain("peerDependencies");
});
