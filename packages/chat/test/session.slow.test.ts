// The same as session.prop.test.ts, two thousand steps.

import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { runProgram, type SessionProgram, sessionProgram } from "./support/session-programs.ts";
import { smallModel } from "./support/small-model.ts";

const N_STEPS = 2000;

test(`${N_STEPS} steps of random programs`, async () => {
  const model = await smallModel({ parallel: 2 });
  const fresh = await smallModel({ parallel: 1 });
  let nSteps = 0;
  for (const program of fc.sample(sessionProgram, { numRuns: N_STEPS / 4, seed: 803 }) as SessionProgram[]) {
    if (nSteps >= N_STEPS) break;
    await runProgram(program, model, fresh);
    nSteps += program.length;
  }
  expect(nSteps).toBeGreaterThanOrEqual(N_STEPS);
  await model.dispose();
  await fresh.dispose();
});
