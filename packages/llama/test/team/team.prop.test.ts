import { test } from "@fast-check/vitest";
import { expectTwins, randomCases } from "./support/random-models.ts";

test.prop([randomCases], { numRuns: 12 })("any number of shards computes what the scalar engine computes", (one) =>
  expectTwins(one, 1),
);
