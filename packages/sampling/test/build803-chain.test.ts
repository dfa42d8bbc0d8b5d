import { describe, expect, test } from "vitest";
import { BUILD_803_DEFAULTS, build803Chain, createSampler } from "../src/index.ts";

const kindsOf = (options: Parameters<typeof build803Chain>[0]) => build803Chain(options).map((stage) => stage.kind);

describe("order", () => {
  test("the default chain", () => {
    expect(build803Chain()).toMatchInlineSnapshot(`
      [
        {
          "biases": Map {},
          "kind": "logit-bias",
          "writeBack": false,
        },
        {
          "exempt": [],
          "kind": "repetition-penalty",
          "lastN": 64,
          "penalty": 1.1,
        },
        {
          "exempt": [],
          "frequency": 0,
          "kind": "frequency-presence-penalty",
          "lastN": 64,
          "presence": 0,
        },
        {
          "k": 40,
          "kind": "top-k",
          "minKeep": 1,
        },
        {
          "kind": "tail-free",
          "minKeep": 1,
          "z": 1,
        },
        {
          "kind": "typical",
          "minKeep": 1,
          "p": 1,
        },
        {
          "kind": "top-p",
          "minKeep": 1,
          "p": 0.95,
        },
        {
          "kind": "temperature",
          "temperature": 0.8,
        },
      ]
    `);
  });

  test("temperature 0 or less is greedy, before mirostat", () => {
    const greedy = ["logit-bias", "repetition-penalty", "frequency-presence-penalty", "greedy"];
    expect(kindsOf({ temperature: 0 })).toEqual(greedy);
    expect(kindsOf({ temperature: -1, mirostat: 2 })).toEqual(greedy);
    expect(kindsOf({ temperature: 1e-60 })).toEqual(greedy); // 0 as a binary32
  });

  test("mirostat replaces the filters", () => {
    const penalties = ["logit-bias", "repetition-penalty", "frequency-presence-penalty"];
    expect(kindsOf({ mirostat: 1 })).toEqual([...penalties, "temperature", "mirostat1"]);
    expect(kindsOf({ mirostat: 2 })).toEqual([...penalties, "temperature", "mirostat2"]);
  });

  test("undefined means the default", () => {
    expect(build803Chain({ topK: undefined, temperature: undefined })).toEqual(build803Chain());
    expect(build803Chain({ ...BUILD_803_DEFAULTS })).toEqual(build803Chain());
  });
});

describe("options", () => {
  const nVocab = 20;
  const greedyId = (options: Parameters<typeof build803Chain>[0], logits: Float32Array, lastTokens: number[]) =>
    createSampler({ stages: build803Chain({ temperature: 0, ...options }), seed: 1, nVocab }).sample(
      logits,
      lastTokens,
    );

  /** 1 everywhere but for the given ids. */
  const logitsWith = (values: Record<number, number>) =>
    Float32Array.from({ length: nVocab }, (_, id) => values[id] ?? 1);

  test("logitBias and ignoreEos", () => {
    expect(greedyId({ logitBias: new Map([[7, 0.5]]) }, logitsWith({}), [])).toBe(7);
    expect(greedyId({}, logitsWith({ 2: 5, 3: 2 }), [])).toBe(2);
    expect(greedyId({ ignoreEos: true }, logitsWith({ 2: 5, 3: 2 }), [])).toBe(3);
    expect(greedyId({ ignoreEos: true, logitBias: [[2, 9]] }, logitsWith({ 3: 2 }), [])).toBe(3);
    expect(greedyId({ ignoreEos: true, eosId: 4 }, logitsWith({ 2: 5, 4: 9 }), [])).toBe(2);
  });

  test("zeros that pad the history count as token 0", () => {
    const history = [0, 0, 0, 5];
    expect(greedyId({}, logitsWith({ 0: 2, 5: 2, 9: 1.9 }), history)).toBe(9);
    expect(greedyId({ repeatLastN: 1 }, logitsWith({ 0: 2, 5: 2, 9: 1.9 }), history)).toBe(0);
    expect(
      greedyId({ repeatLastN: -1, repeatPenalty: 1, frequencyPenalty: 0.1 }, logitsWith({ 0: 1.2 }), history),
    ).toBe(1);
  });

  test("penalizeNewline: false leaves the newline's logit as it was", () => {
    const logits = logitsWith({ 13: 2, 9: 1.9 });
    expect(greedyId({}, logits, [13])).toBe(9);
    expect(greedyId({ penalizeNewline: false }, logits, [13])).toBe(13);
    expect(greedyId({ penalizeNewline: false, newlineId: 9 }, logits, [9, 13])).toBe(9);
    const presence = { repeatPenalty: 1, presencePenalty: 1 };
    expect(greedyId({ ...presence }, logits, [13])).toBe(9);
    expect(greedyId({ ...presence, penalizeNewline: false }, logits, [13])).toBe(13);
  });

  test("compat: penalizeNewline has no effect, biases reach the caller's logits", () => {
    const logits = logitsWith({ 13: 2, 9: 1.9 });
    expect(greedyId({ penalizeNewline: false, compat: true }, logits, [13])).toBe(9);
    expect(greedyId({ logitBias: [[4, 0.25]], compat: true }, logits, [13])).toBe(9);
    expect(logits[4]).toBe(1.25);
  });

  test("off-values are accepted", () => {
    const stages = build803Chain({ topK: 0, topP: 1, tfsZ: 1.5, typicalP: 2, repeatLastN: 0, repeatPenalty: 1 });
    const sampler = createSampler({ stages, seed: 1, nVocab });
    const ids = Array.from({ length: 500 }, () => sampler.sample(new Float32Array(nVocab)));
    expect(new Set(ids).size).toBe(nVocab); // nothing was filtered
  });

  test.each([
    "topP",
    "tfsZ",
    "typicalP",
    "temperature",
    "repeatPenalty",
    "frequencyPenalty",
    "presencePenalty",
    "mirostatEta",
    "mirostatTau",
    "topK",
    "repeatLastN",
    "minKeep",
    "eosId",
    "newlineId",
    "mirostat",
  ])("%s: NaN is refused by that name", (name) => {
    expect(() => build803Chain({ [name]: Number.NaN })).toThrow(`"${name}" expected`);
    expect(() => build803Chain({ [name]: "0.5" })).toThrow(`"${name}" expected`);
  });
});
