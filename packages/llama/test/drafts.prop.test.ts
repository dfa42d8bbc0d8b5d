// Drafts change no text: whatever the model, the sampler, the seed and the draft, ids and texts are those without.

import { fc, test } from "@fast-check/vitest";
import { createGrammarStage, createSampler, parseGrammar, type SamplerStage, samplingChain } from "@ll/sampling";
import { afterAll, expect } from "vitest";
import {
  createGenerator,
  createScalarModel,
  type DraftOptions,
  type GeneratedToken,
  generate,
  loadWeights,
  type Model,
} from "../src/index.ts";
import { randomGraphs, withRandomModel } from "./support/random-graphs.ts";
import { FAST_KERNELS, loadForTest } from "./team/support/engines.ts";

const tokenBytes = (id: number): Uint8Array => Uint8Array.of(97 + (id % 26));

const CHAINS: Record<string, (nVocab: number) => SamplerStage[]> = {
  greedy: () => samplingChain({ temperature: 0, repeatPenalty: 1 }),
  "greedy with penalties": () => samplingChain({ temperature: 0, repeatPenalty: 1.2, frequencyPenalty: 0.1 }),
  default: () => samplingChain(),
  cool: () => samplingChain({ temperature: 0.1, repeatPenalty: 1 }),
  "top-p alone": () => samplingChain({ topK: 0, topP: 0.9, repeatPenalty: 1, temperature: 0.3 }),
  "min-p and dry": () => samplingChain({ topK: 0, topP: 1, minP: 0.1, dryMultiplier: 0.8, temperature: 0.3 }),
  typical: () => samplingChain({ topK: 0, topP: 1, typicalP: 0.8, repeatPenalty: 1, temperature: 0.2 }),
  "tail-free and xtc": () => samplingChain({ topK: 0, topP: 1, tfsZ: 0.9, xtcProbability: 0.3, temperature: 0.3 }),
  "mirostat 1": () => samplingChain({ mirostat: 1, mirostatTau: 1, repeatPenalty: 1 }),
  "mirostat 2": () => samplingChain({ mirostat: 2, mirostatTau: 1, repeatPenalty: 1 }),
  grammar: (nVocab) => {
    const grammar = parseGrammar('root ::= ("abc" | "abd")* "z"?');
    return samplingChain({
      grammar: createGrammarStage({ grammar, nVocab, tokenBytes, endIds: [] }),
      temperature: 0.5,
    });
  },
  "with a bias that is written back": () =>
    samplingChain({ compat: true, logitBias: [[0, 0.5]], temperature: 0.3, repeatPenalty: 1 }),
};

const runs = fc.record({
  engine: fc.constantFrom("scalar", ...FAST_KERNELS),
  threads: fc.constantFrom(1, 1, 2),
  arithmetic: fc.constantFrom("build803" as const, "lanes" as const),
  kvType: fc.constantFrom("f16" as const, "f32" as const),
  chain: fc.constantFrom("greedy", "greedy", "cool", "cool", ...Object.keys(CHAINS)),
  seed: fc.nat(),
  contextTokens: fc.integer({ min: 12, max: 60 }),
  batchTokens: fc.constantFrom(1, 3, 8, 512),
  keepTokens: fc.constantFrom(-1, 0, 3),
  promptLength: fc.integer({ min: 1, max: 40 }),
  period: fc.integer({ min: 1, max: 7 }), // of the prompt, so that it holds something to look up
  maxTokens: fc.integer({ min: 1, max: 70 }),
  stop: fc.constantFrom([], ["q"], ["abcab", "zz"]),
  lookup: fc.constantFrom(0, 1, 4, 16),
  draft: fc.constantFrom(undefined, { isSame: true, tokens: 5 }, { isSame: false, tokens: 3 }),
});

/** Without recurrent layers, which most random graphs have and which leave nothing to draft. */
const graphs = fc.oneof(
  { weight: 1, arbitrary: randomGraphs },
  {
    weight: 6,
    arbitrary: randomGraphs.map((graph) => ({
      ...graph,
      layers: graph.layers.map((layer) => ({ ...layer, nTaps: 0 as const, nDeltaHeads: 0 as const })),
    })),
  },
);

const taken = { nDrafted: 0, nAccepted: 0 };

test.prop([graphs, runs], { numRuns: 60 })("ids and texts are those without drafts", (graph, run) =>
  withRandomModel(graph, async (source, config) => {
    const { arithmetic, threads, contextTokens, kvType, seed } = run;
    const scalar = createScalarModel(await loadWeights(source, config), { arithmetic });
    const model: Model =
      run.engine === "scalar"
        ? scalar
        : await loadForTest(source, config, { kernels: run.engine, threads, arithmetic });
    const { nVocab } = config;
    const length = Math.min(run.promptLength, contextTokens - 4);
    const prompt = Array.from({ length }, (_, i) => (graph.seed + (i % run.period) * 37) % nVocab);

    async function write(drafts: DraftOptions): Promise<{ tokens: GeneratedToken[]; next: number }> {
      const context = await model.createContext({ contextTokens, kvType });
      const sampler = createSampler({ stages: CHAINS[run.chain]!(nVocab), seed, nVocab });
      const { maxTokens, stop, keepTokens, batchTokens } = run;
      const options = { sampler, tokenBytes, maxTokens, stop, keepTokens, batchTokens, ...drafts };
      const tokens: GeneratedToken[] = [];
      const onEvent = ({ nDrafted, nAccepted }: typeof taken): void => {
        taken.nDrafted += nDrafted;
        taken.nAccepted += nAccepted;
      };
      try {
        for await (const token of generate(context, prompt, { ...options, onEvent })) tokens.push(token);
      } catch (error) {
        // a grammar may permit nothing that the vocabulary has
        expect(error).toMatchObject({ code: "E_DEAD_END" });
      }
      await context.dispose();
      return { tokens, next: sampler.rng.next() };
    }

    const plain = await write({});
    const canDraft = (await scalar.createContext()).memory.kind === "positions";
    const other = createScalarModel(await loadWeights(source, config), { arithmetic: "lanes" });
    const draftContext =
      run.draft === undefined || !canDraft
        ? undefined
        : await (run.draft.isSame ? scalar : other).createContext({ contextTokens: contextTokens + 20 });
    const draft = draftContext && { context: draftContext, tokens: run.draft!.tokens };
    expect(await write({ lookup: run.lookup, ...(draft && { draft }) })).toEqual(plain);
  }),
);

afterAll(() => {
  expect(taken.nAccepted).toBeGreaterThan(100);
  expect(taken.nDrafted).toBeGreaterThan(taken.nAccepted);
});

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant("sample" as const) },
    fc.array(fc.nat(50), { minLength: 1, maxLength: 12 }),
    fc.constant("abort" as const),
    fc.constant("substitute" as const),
  ),
  { maxLength: 60, size: "max" },
);

test.prop([graphs, steps, fc.integer({ min: 12, max: 40 }), fc.constantFrom(0, 3), fc.boolean()], { numRuns: 30 })(
  "a generator is in the same state after every step",
  (graph, list, contextTokens, tokensAhead, isSession) =>
    withRandomModel(graph, async (source, config) => {
      const model = createScalarModel(await loadWeights(source, config));
      const { nVocab } = config;

      async function walk(drafts: DraftOptions): Promise<unknown[]> {
        const context = await model.createContext({ contextTokens });
        const evaluate = context.evaluate.bind(context);
        let fails = false;
        context.evaluate = async (...call) => {
          if (fails) throw new Error("aborted");
          return evaluate(...call);
        };
        const stages = samplingChain({ temperature: 0.2, repeatPenalty: 1 });
        const generator = createGenerator(context, {
          sampler: createSampler({ stages, seed: 3, nVocab }),
          batchTokens: 8,
          keepTokens: 2,
          tokensAhead,
          ...(isSession ? { session: { tokens: [] } } : {}),
          ...drafts,
        });
        const seen: unknown[] = [];
        generator.accept([1, 2, 3, 1, 2].map((id) => id % nVocab));
        for (const step of list) {
          const { nPast, isFull, pending, sessionTokens, lastTokens } = generator;
          seen.push({ nPast, isFull, pending: [...pending], sessionTokens, last: [...lastTokens] });
          fails = step === "abort";
          const report = await generator.evaluatePending().catch((error: Error) => error.message);
          // with drafts there may have been nothing to abort: what follows is the same
          if (fails) {
            fails = false;
            await generator.evaluatePending();
          } else {
            seen.push(report);
          }
          seen.push(Array.from(generator.logits!));
          if (Array.isArray(step)) generator.accept(step.map((id) => id % nVocab));
          else generator.sample(step === "substitute" ? () => 0 : undefined);
        }
        seen.push(
          await context
            .readKv(0)
            .then(() => context.readKv(generator.nPast))
            .catch(() => "recurrent"),
        );
        return seen;
      }
      expect(await walk({ lookup: 6 })).toEqual(await walk({}));
    }),
);
