import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as api from "../src/index.ts";

test("public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "BUILD_803_DEFAULTS",
      "DRY_SEQUENCE_BREAKERS",
      "GrammarError",
      "SAMPLING_DEFAULTS",
      "applyGuidance",
      "build803Chain",
      "callsToGrammar",
      "createCandidates",
      "createGrammarStage",
      "createGrammarVocabulary",
      "createRng",
      "createSampler",
      "expf",
      "findCandidate",
      "isGrammarError",
      "jsonSchemaToGrammar",
      "keepOnly",
      "log2f",
      "logf",
      "lookUpDraft",
      "parseGrammar",
      "powf",
      "printGrammar",
      "resolveSeed",
      "samplingChain",
      "schemaToArguments",
      "sequenceBreakers",
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
