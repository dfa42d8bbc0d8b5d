// Session files, restored and continued.

import { memorySink, memorySource } from "@ll/bytes";
import { createGenerator } from "@ll/llama";
import { matchSession, readSession, restoreSession, writeSession } from "@ll/model";
import { createSampler } from "@ll/sampling";
import { ALLOWANCE_BYTES, asProgram, soundModel } from "./small-engine.ts";

const OPTIONS = { contextTokens: 16 } as const;
const STAGES = [{ kind: "temperature", temperature: 0.8 }] as const;

async function sessionOf(nTokens: number): Promise<Uint8Array> {
  const { model } = await soundModel();
  const context = await model.createContext(OPTIONS);
  const tokens = Array.from({ length: nTokens }, (_, i) => i + 1);
  const logits = await context.evaluate(tokens, 0);
  const { rng } = createSampler({ stages: STAGES, seed: 1, nVocab: model.config.nVocab });
  const sink = memorySink();
  await writeSession(sink, context, { tokens, rng: rng.exportState(), logits, compat: nTokens === 3 });
  return new Uint8Array(sink.bytes());
}

export const seeds: readonly Uint8Array[] = [await sessionOf(1), await sessionOf(3), await sessionOf(16)];
export const maxBytes: number = 80 * 1024;
export const allowanceBytes: number = ALLOWANCE_BYTES;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const { model } = await soundModel();
    const context = await model.createContext(OPTIONS);
    const session = await readSession(memorySource(data), context);
    await restoreSession(context, session);
    const prompt = [1, 2, 3, 4, 5];
    const { tokens } = matchSession(session.tokens, prompt);
    const sampler = createSampler({ stages: STAGES, seed: 1, nVocab: model.config.nVocab });
    const generator = createGenerator(context, { sampler, session: { tokens, logits: session.logits } });
    generator.accept(prompt);
    for (let i = 0; i < 3; i++) {
      await generator.evaluatePending();
      generator.sample();
    }
  });
}
