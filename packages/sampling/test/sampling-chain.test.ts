import { describe, expect, test } from "vitest";
import {
  build803Chain,
  createSampler,
  SAMPLING_DEFAULTS,
  type SamplerStage,
  type SamplingOptions,
  samplingChain,
} from "../src/index.ts";

const stage = (name: string): SamplerStage => ({ kind: "custom", name, apply: () => {} });
const namesOf = (options: SamplingOptions) =>
  samplingChain(options).map((one) => (one.kind === "custom" ? one.name : one.kind));

const extras = { guidance: stage("guidance"), grammar: stage("grammar") };
const beginning = ["logit-bias", "guidance", "repetition-penalty", "frequency-presence-penalty", "dry", "grammar"];

describe("order", () => {
  test("penalties, DRY, grammar; then the filters, min-p and XTC behind them, temperature last", () => {
    const filters = ["top-k", "tail-free", "typical", "top-p", "min-p", "xtc"];
    expect(namesOf(extras)).toEqual([...beginning, ...filters, "temperature"]);
  });

  test("a greedy or mirostat chain has no filters", () => {
    expect(namesOf({ ...extras, temperature: 0 })).toEqual([...beginning, "greedy"]);
    expect(namesOf({ ...extras, mirostat: 2 })).toEqual([...beginning, "temperature", "mirostat2"]);
  });
});

describe("options", () => {
  const find = (options: SamplingOptions, kind: string) => samplingChain(options).find((one) => one.kind === kind);

  test("what is not given is off, with llama.cpp's other defaults", () => {
    expect(find({}, "dry")).toEqual({ kind: "dry", multiplier: 0, base: 1.75, allowedLength: 2, lastN: -1 });
    expect(find({}, "min-p")).toEqual({ kind: "min-p", p: 0, minKeep: 1 });
    expect(find({}, "xtc")).toEqual({ kind: "xtc", probability: 0, threshold: 0.1, minKeep: 1 });
    expect(samplingChain({ minP: undefined, dryBase: undefined })).toEqual(samplingChain());
    expect(samplingChain({ ...SAMPLING_DEFAULTS })).toEqual(samplingChain());
  });

  test("what is given reaches its stage", () => {
    const options = {
      minP: 0.05,
      xtcProbability: 0.5,
      xtcThreshold: 0.2,
      dryMultiplier: 0.8,
      dryBase: 2,
      dryAllowedLength: 3,
      dryPenaltyLastN: 64,
      drySequenceBreakers: [[5]],
      minKeep: 2,
    };
    expect(find(options, "min-p")).toEqual({ kind: "min-p", p: 0.05, minKeep: 2 });
    expect(find(options, "xtc")).toEqual({ kind: "xtc", probability: 0.5, threshold: 0.2, minKeep: 2 });
    expect(find(options, "dry")).toEqual({
      kind: "dry",
      multiplier: 0.8,
      base: 2,
      allowedLength: 3,
      lastN: 64,
      breakers: [[5]],
    });
  });

  test.each([
    "minP",
    "xtcProbability",
    "xtcThreshold",
    "dryMultiplier",
    "dryBase",
    "dryAllowedLength",
    "dryPenaltyLastN",
  ])("%s: NaN is refused by that name", (name) => {
    expect(() => samplingChain({ [name]: Number.NaN })).toThrow(`"${name}" expected`);
    expect(() => samplingChain({ [name]: "0.5" })).toThrow(`"${name}" expected`);
  });

  test("a negative allowed length is refused", () => {
    expect(() => samplingChain({ dryAllowedLength: -1 })).toThrow('"dryAllowedLength" expected integer in [0,');
  });
});

test("with everything off it draws what build 803's chain draws", () => {
  const nVocab = 200;
  const sampleAll = (stages: SamplerStage[]) => {
    const sampler = createSampler({ stages, seed: 7, nVocab });
    const history = [1, 2, 3, 1, 2];
    for (let i = 0; i < 100; i++) {
      const logits = Float32Array.from({ length: nVocab }, (_, id) => 3 * Math.sin(id * (i + 1)));
      history.push(sampler.sample(logits, history));
    }
    return [...history, sampler.rng.next()];
  };
  for (const options of [{}, { typicalP: 0.9, tfsZ: 0.95 }, { mirostat: 1 as const }, { temperature: 0 }]) {
    expect(sampleAll(samplingChain(options))).toEqual(sampleAll(build803Chain(options)));
  }
});
