// The generator against a literal transcription of what the main loop of llama.cpp build 803 does with its lists.

import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createGenerator } from "../src/index.ts";
import { recordingContext } from "./support/hand-made.ts";

interface Call {
  readonly tokens: number[];
  readonly nPast: number;
}

/** Steps A and B of the loop: consume `input` in pieces, then sample `nSampled` times; returns the evaluations. */
function mainLoop(
  input: readonly number[],
  nSampled: number,
  contextTokens: number,
  nKeep: number,
  nBatch: number,
): Call[] {
  const calls: Call[] = [];
  const last: number[] = new Array(contextTokens).fill(0);
  const push = (id: number): void => {
    last.shift();
    last.push(id);
  };
  let embd: number[] = [];
  let nPast = 0;
  let nConsumed = 0;
  let sampled = 0;
  for (;;) {
    if (embd.length > 0) {
      if (nPast + embd.length > contextTokens) {
        const nLeft = nPast - nKeep;
        nPast = Math.max(1, nKeep);
        const half = Math.trunc(nLeft / 2);
        const n = embd.length;
        embd = [...last.slice(contextTokens - half - n, contextTokens - n), ...embd];
      }
      for (let i = 0; i < embd.length; i += nBatch) {
        const tokens = embd.slice(i, i + nBatch);
        calls.push({ tokens, nPast });
        nPast += tokens.length;
      }
    }
    embd = [];
    if (nConsumed >= input.length) {
      if (sampled === nSampled) return calls;
      const id = 100 + sampled++;
      push(id);
      embd = [id];
    } else {
      while (nConsumed < input.length) {
        embd.push(input[nConsumed]!);
        push(input[nConsumed]!);
        nConsumed++;
        if (embd.length >= nBatch) break;
      }
    }
  }
}

const runs = fc
  .record({
    contextTokens: fc.integer({ min: 8, max: 40 }),
    promptShare: fc.double({ min: 0, max: 1, noNaN: true }),
    keepShare: fc.double({ min: 0, max: 1, noNaN: true }),
    nBatch: fc.integer({ min: 1, max: 50 }),
    nSampled: fc.integer({ min: 0, max: 120 }),
  })
  .map(({ contextTokens, promptShare, keepShare, nBatch, nSampled }) => {
    const nPrompt = 1 + Math.floor(promptShare * (contextTokens - 5)); // main refuses more than contextTokens − 4
    return { contextTokens, nPrompt, nKeep: Math.floor(keepShare * nPrompt), nBatch, nSampled };
  });

test.prop([runs])("evaluates the same tokens at the same positions", async (run) => {
  const { contextTokens, nPrompt, nKeep, nBatch, nSampled } = run;
  const prompt = Array.from({ length: nPrompt }, (_, i) => i + 1);
  const context = recordingContext(contextTokens);
  let id = 100;
  const generator = createGenerator(context, {
    sampler: { sample: () => id++ },
    keepTokens: nKeep,
    batchTokens: nBatch,
  });
  for (let first = 0; first < nPrompt; first += nBatch) {
    generator.accept(prompt.slice(first, first + nBatch));
    await generator.evaluatePending();
  }
  for (let i = 0; i < nSampled; i++) {
    generator.sample();
    await generator.evaluatePending();
  }
  expect(context.calls).toEqual(mainLoop(prompt, nSampled, contextTokens, nKeep, nBatch));
});
