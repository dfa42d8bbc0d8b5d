import { test } from "@fast-check/vitest";
import { afterAll, beforeAll } from "vitest";
import type { ChatModel } from "../src/index.ts";
import { runProgram, sessionProgram } from "./support/session-programs.ts";
import { smallModel } from "./support/small-model.ts";

let models: [model: ChatModel, fresh: ChatModel];

beforeAll(async () => {
  models = [await smallModel({ parallel: 2 }), await smallModel({ parallel: 1 })];
});

afterAll(async () => {
  for (const model of models) await model.dispose();
});

test.prop([sessionProgram], { numRuns: 25 })(
  "random programs of ask, edit, regenerate, fork, abort, restore",
  (steps) => runProgram(steps, ...models),
);
