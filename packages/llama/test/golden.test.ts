import { readFileSync } from "node:fs";
import { memorySink, memorySource } from "@ll/bytes";
import { build803Chain, createSampler } from "@ll/sampling";
import { expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../tools/test-data.ts";
import { matchSession, readSession, restoreSession, writeSession } from "../../model/src/index.ts";
import {
  configFromGgml,
  createGenerator,
  createScalarModel,
  isModelError,
  isSessionError,
  loadWeights,
  type Model,
  type SourceTensor,
  type TokenGenerator,
} from "../src/index.ts";
import { logitsInBatches } from "./support/hand-made.ts";
import { modelFromTestData, openTestData, sha256 } from "./support/model-files.ts";

const LOGITS: [model: string, type: string][] = [
  ["tiny", "f16"],
  ["tiny", "q4_0"],
  ["tiny", "q8_0"],
  ["stories260k", "f16"],
  ["stories260k", "q4_0"],
  ["stories260k", "q4_1"],
  ["stories260k", "q5_0"],
  ["stories260k", "q5_1"],
  ["stories260k", "q8_0"],
];

describeWithTestData("logits of trained models equal build 803's, bit for bit, in batches of any size", () => {
  test.each(LOGITS)("%s %s", async (name, type) => {
    const recorded = readFileSync(testData(`golden/${name}-logits/logits-${type}.f32`));
    const tokens = JSON.parse(readFileSync(testData(`golden/${name}-logits/tokens.json`), "utf8")).prompt_tokens;
    const model = await modelFromTestData(`${name}/ggjt/${type}.bin`);
    for (const batchTokens of [1, 7, 512]) {
      expect(sha256(await logitsInBatches(model, tokens, batchTokens))).toBe(sha256(recorded));
    }
  });
});

describeWithTestData("grouped-query attention", () => {
  test("the original with 4 key heads gives the logits of its expansion to 8", async () => {
    const tokens = JSON.parse(readFileSync(testData("golden/stories260k-logits/tokens.json"), "utf8")).prompt_tokens;
    const original = await openTestData("stories260k/ggjt/gqa-f16.bin");
    const expansion = await openTestData("stories260k/ggjt/f16.bin");
    // the norms of the expansion went through binary16, those of the original did not: take the same in both
    const tensor = (name: string): SourceTensor | undefined =>
      (name.endsWith("norm.weight") ? expansion : original).tensor(name);
    const config = configFromGgml(original.hyperParams, { nKvHeads: 4 });
    const shared = createScalarModel(await loadWeights({ names: () => original.names(), tensor }, config));
    const expanded = await modelFromTestData("stories260k/ggjt/f16.bin");
    // the expansion also pads the feed-forward with zeros, which adds zeros to sums
    expect(await logitsInBatches(shared, tokens, 512)).toEqual(await logitsInBatches(expanded, tokens, 512));
  });

  test("its file needs to be told so", async () => {
    const error = await modelFromTestData("stories260k/ggjt/gqa-f16.bin").catch((cause: unknown) => cause);
    expect(isModelError(error, "E_SHAPE")).toBe(true);
  });
});

/** `Once upon a time` after BOS, with the space that `main` puts in front. */
const PROMPTS = new Map([
  ["tiny", [1, 385, 386, 261, 370]],
  ["stories260k", [1, 403, 407, 261, 378]],
]);

interface RecordedCase {
  readonly name: string;
  readonly written: { readonly "session.bin": { readonly sha256: string; readonly bytes: number } };
}

/** The sha256 and size of the session file of a recorded run. */
function recordedSession(model: string, name: string): { readonly sha256: string; readonly bytes: number } {
  const { cases } = JSON.parse(readFileSync(testData(`golden/${model}-main.json`), "utf8"));
  return (cases as RecordedCase[]).find((one) => one.name === name)!.written["session.bin"];
}

describeWithTestData("session files", () => {
  const defaults = (nVocab: number): ReturnType<typeof createSampler> =>
    createSampler({ stages: build803Chain(), seed: 1, nVocab });

  async function generateTokens(generator: TokenGenerator, n: number): Promise<number[]> {
    const ids: number[] = [];
    while (ids.length < n) {
      await generator.evaluatePending();
      ids.push(generator.sample());
    }
    return ids;
  }

  /** The bytes after the prompt and after 20 tokens, of which the last is not evaluated, as `main` saves them. */
  async function savedSessions(
    model: Model,
    prompt: number[],
  ): Promise<{ afterPrompt: Uint8Array; atEnd: Uint8Array }> {
    const context = await model.createContext();
    const sampler = defaults(model.config.nVocab);
    const generator = createGenerator(context, { sampler, session: { tokens: [] } });
    const save = async (): Promise<Uint8Array> => {
      const sink = memorySink();
      await writeSession(sink, context, {
        tokens: generator.sessionTokens!,
        rng: sampler.rng.exportState(),
        logits: generator.logits!,
        compat: true,
      });
      return sink.bytes();
    };
    generator.accept(prompt);
    await generator.evaluatePending();
    const afterPrompt = await save();
    generator.sample();
    await generateTokens(generator, 19);
    return { afterPrompt, atEnd: await save() };
  }

  test.each(["tiny", "stories260k"])("%s: equal build 803's, byte for byte", async (name) => {
    const model = await modelFromTestData(`${name}/ggjt/q4_0.bin`);
    const { afterPrompt, atEnd } = await savedSessions(model, PROMPTS.get(name)!);
    const recorded = {
      afterPrompt: recordedSession(name, "prompt-cache"),
      atEnd: recordedSession(name, "prompt-cache-all"),
    };
    expect({ sha256: sha256(afterPrompt), bytes: afterPrompt.byteLength }).toEqual(recorded.afterPrompt);
    expect({ sha256: sha256(atEnd), bytes: atEnd.byteLength }).toEqual(recorded.atEnd);
  });

  test("a run from a session of its prompt goes on with the tokens of the run that saved it", async () => {
    const model = await modelFromTestData("tiny/ggjt/q4_0.bin");
    const prompt = PROMPTS.get("tiny")!;
    const { afterPrompt, atEnd } = await savedSessions(model, prompt);
    const fresh = createGenerator(await model.createContext(), { sampler: defaults(1024) });
    fresh.accept(prompt);
    const expected = await generateTokens(fresh, 30);

    for (const bytes of [afterPrompt, atEnd]) {
      const context = await model.createContext();
      const session = await readSession(memorySource(bytes), context);
      await restoreSession(context, session);
      const { tokens } = matchSession(session.tokens, prompt);
      const generator = createGenerator(context, { sampler: defaults(1024), session: { tokens } });
      generator.accept(prompt);
      expect(await generateTokens(generator, 30)).toEqual(expected);
    }
  });

  test("in compat mode an exact match draws its first token from the logits of BOS alone", async () => {
    const model = await modelFromTestData("tiny/ggjt/q4_0.bin");
    const prompt = PROMPTS.get("tiny")!;
    const { afterPrompt } = await savedSessions(model, prompt);
    const context = await model.createContext();
    const session = await readSession(memorySource(afterPrompt), context);
    await restoreSession(context, session);
    const { tokens } = matchSession(session.tokens, prompt, { compat: true });
    const logits = await context.evaluate([1], 0); // the warm-up
    const generator = createGenerator(context, { sampler: defaults(1024), session: { tokens, logits } });
    generator.accept(prompt);
    await generator.evaluatePending();
    expect(generator.nPast).toBe(5);
    const bosOnly = await (await model.createContext()).evaluate([1], 0);
    expect(generator.logits).toEqual(bosOnly);
  });

  test("of another model is refused", async () => {
    const model = await modelFromTestData("stories260k/ggjt/q4_0.bin");
    const { afterPrompt } = await savedSessions(model, PROMPTS.get("stories260k")!);
    const other = await (await modelFromTestData("tiny/ggjt/q4_0.bin")).createContext();
    const error = await readSession(memorySource(afterPrompt), other).catch((cause: unknown) => cause);
    expect(isSessionError(error, "E_SESSION_HPARAMS")).toBe(true);
  });
});
