import { describe, expect, test } from "vitest";
import {
  build803Chain,
  createRng,
  createSampler,
  keepOnly,
  type SamplerOptions,
  type SamplerStage,
} from "../src/index.ts";

/** Smooth, distinct logits that favour the middle of the vocabulary. */
function someLogits(nVocab: number): Float32Array {
  return Float32Array.from({ length: nVocab }, (_, id) => 8 * Math.sin(id * 0.7) - 0.001 * id);
}

test("runs on Node 26 or later", () => {
  expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(26);
});

describe("createSampler", () => {
  test("an empty chain draws from the plain softmax", () => {
    const sampler = createSampler({ stages: [], seed: 42, nVocab: 4 });
    const weights = [0.1, 0.2, 0.3, 0.4];
    // sorted descending, the weights of ids 3 2 1 0; the draws of seed 42 from them
    const drawn = Array.from({ length: 5 }, () => sampler.sample(Float32Array.from(weights, Math.log)));
    const rng = createRng(42);
    expect(drawn).toEqual(Array.from({ length: 5 }, () => 3 - rng.draw([0.4, 0.3, 0.2, 0.1])));
  });

  test("repeats itself from the same seed, and after reseed", () => {
    const logits = someLogits(100);
    const first = createSampler({ stages: build803Chain(), seed: 7, nVocab: 100 });
    const second = createSampler({ stages: build803Chain(), seed: 7, nVocab: 100 });
    const ids = Array.from({ length: 20 }, () => first.sample(logits));
    expect(Array.from({ length: 20 }, () => second.sample(logits))).toEqual(ids);
    expect(new Set(ids).size).toBeGreaterThan(1);
    first.reseed(7);
    expect(Array.from({ length: 20 }, () => first.sample(logits))).toEqual(ids);
  });

  test("says which seed it uses", () => {
    const sampler = createSampler({ stages: [], seed: 42, nVocab: 1 });
    expect(sampler.seed).toBe(42);
    sampler.reseed(43);
    expect(sampler.seed).toBe(43);
    const nowSeconds = Math.floor(Date.now() / 1000);
    sampler.reseed(-1);
    expect(sampler.seed).toBeGreaterThanOrEqual(nowSeconds);
  });

  test("continues from a saved engine state", () => {
    const logits = someLogits(100);
    const sampler = createSampler({ stages: [], seed: 7, nVocab: 100 });
    sampler.sample(logits);
    const state = sampler.rng.exportState();
    const next = Array.from({ length: 10 }, () => sampler.sample(logits));
    const other = createSampler({ stages: [], seed: 8, nVocab: 100 });
    other.rng.importState(state);
    expect(Array.from({ length: 10 }, () => other.sample(logits))).toEqual(next);
  });

  test("leaves the caller's logits alone", () => {
    const logits = someLogits(100);
    const before = logits.slice();
    const stages = build803Chain({ logitBias: [[3, 5]], ignoreEos: true, typicalP: 0.9 });
    createSampler({ stages, seed: 7, nVocab: 100 }).sample(logits, [1, 2, 3]);
    expect(logits).toEqual(before);
  });

  test("a chain in another order is another chain", () => {
    // filter, then heat: the runner-up is out; heat, then filter: it stays
    const logits = Float32Array.of(2, 0);
    const topP: SamplerStage = { kind: "top-p", p: 0.8 };
    const hot: SamplerStage = { kind: "temperature", temperature: 100 };
    const idsOf = (stages: SamplerStage[]) => {
      const sampler = createSampler({ stages, seed: 1, nVocab: 2 });
      return new Set(Array.from({ length: 50 }, () => sampler.sample(logits)));
    };
    expect(idsOf([topP, hot])).toEqual(new Set([0]));
    expect(idsOf([hot, topP])).toEqual(new Set([0, 1]));
  });

  test("greedy draws no random number", () => {
    const sampler = createSampler({ stages: [{ kind: "greedy" }], seed: 1, nVocab: 5 });
    const before = sampler.rng.exportState();
    expect(sampler.sample(Float32Array.of(1, 4, 2, 4, 3))).toBe(1); // the first of equals
    expect(sampler.rng.exportState()).toBe(before);
  });
});

describe("a custom stage", () => {
  test("may filter: a grammar that only accepts even ids", () => {
    const onlyEven: SamplerStage = {
      kind: "custom",
      name: "only even ids",
      apply({ ids, logits, n }) {
        for (let i = 0; i < n; i++) if (ids[i]! % 2 !== 0) logits[i] = Number.NEGATIVE_INFINITY;
      },
    };
    const chain = [...build803Chain({ temperature: 2 }), onlyEven];
    chain.unshift(chain.pop()!);
    const sampler = createSampler({ stages: chain, seed: 3, nVocab: 50 });
    const ids = Array.from({ length: 100 }, () => sampler.sample(new Float32Array(50)));
    expect(ids.every((id) => id % 2 === 0)).toBe(true);
    expect(new Set(ids).size).toBeGreaterThan(10);
  });

  test("may mix in other logits: guidance", () => {
    const other = Float32Array.of(0, 9, 0);
    const awayFromOther: SamplerStage = {
      kind: "custom",
      name: "guidance",
      apply(candidates) {
        for (let i = 0; i < candidates.n; i++) {
          const there = other[candidates.ids[i]!]!;
          candidates.logits[i] = 2 * (candidates.logits[i]! - there) + there;
        }
        candidates.sorted = false;
      },
    };
    const sampler = createSampler({ stages: [awayFromOther, { kind: "greedy" }], seed: 3, nVocab: 3 });
    expect(sampler.sample(Float32Array.of(0, 4, 1))).toBe(2);
  });

  test("may choose by itself", () => {
    const last: SamplerStage = {
      kind: "custom",
      name: "last",
      apply: (candidates) => keepOnly(candidates, candidates.n - 1),
    };
    const sampler = createSampler({ stages: [last], seed: 3, nVocab: 9 });
    expect(sampler.sample(someLogits(9))).toBe(8);
  });

  test("is told what was chosen, in the order of the chain", () => {
    const told: string[] = [];
    const follower = (name: string): SamplerStage => ({
      kind: "custom",
      name,
      apply: () => told.push(`${name} applies`),
      accept: (id) => told.push(`${name} accepts ${id}`),
    });
    const sampler = createSampler({ stages: [follower("a"), { kind: "greedy" }, follower("b")], seed: 3, nVocab: 9 });
    const id = sampler.sample(someLogits(9));
    expect(told).toEqual(["a applies", "b applies", `a accepts ${id}`, `b accepts ${id}`]);
  });

  test("that throws at what was chosen makes sample throw", () => {
    const picky: SamplerStage = {
      kind: "custom",
      name: "picky",
      apply: () => {},
      accept: () => {
        throw new Error("not this one");
      },
    };
    const sampler = createSampler({ stages: [picky], seed: 3, nVocab: 9 });
    expect(() => sampler.sample(someLogits(9))).toThrow("not this one");
  });

  test("sees the caller's logits, the history, the engine and the vocabulary size", () => {
    const seen: unknown[] = [];
    const look: SamplerStage = {
      kind: "custom",
      name: "look",
      apply: (_candidates, { logits, lastTokens, rng, nVocab }) => seen.push(logits, lastTokens, rng, nVocab),
    };
    const sampler = createSampler({ stages: [look], seed: 3, nVocab: 9 });
    const logits = someLogits(9);
    const history = [1, 2];
    sampler.sample(logits, history);
    expect(seen[0]).toBe(logits);
    expect(seen[1]).toBe(history);
    expect(seen[2]).toBe(sampler.rng);
    expect(seen[3]).toBe(9);
  });

  test.each([0, -1, 10, 0.5, Number.NaN])("that leaves %d candidates is an error that names it", (n) => {
    const broken: SamplerStage = {
      kind: "custom",
      name: "broken",
      apply: (candidates) => {
        candidates.n = n;
      },
    };
    const sampler = createSampler({ stages: [broken], seed: 3, nVocab: 9 });
    expect(() => sampler.sample(someLogits(9))).toThrow(
      new RangeError(`stage "broken" expected to leave 1 to 9 candidates, got ${n}`),
    );
  });
});

describe("guards", () => {
  test("the number of logits must fit", () => {
    const sampler = createSampler({ stages: [], seed: 1, nVocab: 512 });
    expect(() => sampler.sample(new Float32Array(100))).toThrow(
      new RangeError('"logits" expected nVocab = 512 values, got 100'),
    );
  });

  test.each<[unknown, string]>([
    [undefined, "undefined"],
    [{ seed: 1, nVocab: 9 }, "undefined"],
    [{ stages: { kind: "greedy" }, seed: 1, nVocab: 9 }, "an object"],
  ])("options without a list of stages are refused: %j", (options, got) => {
    const message = `"stages" expected an array, such as [{ kind: "greedy" }], got ${got}`;
    expect(() => createSampler(options as SamplerOptions)).toThrow(new TypeError(message));
  });

  test.each([undefined, null, {}])("logits that are none are refused: %j", (logits) => {
    const sampler = createSampler({ stages: [], seed: 1, nVocab: 9 });
    const got = logits === undefined || logits === null ? String(logits) : "an object";
    expect(() => sampler.sample(logits as unknown as Float32Array)).toThrow(
      new RangeError(`"logits" expected nVocab = 9 values, got ${got}`),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 31])("nVocab %d is refused", (nVocab) => {
    expect(() => createSampler({ stages: [], seed: 1, nVocab })).toThrow(RangeError);
  });

  test.each<[string, SamplerStage]>([
    ['"top-k: k" expected integer in [-2147483648, 2147483647], got 1.5', { kind: "top-k", k: 1.5 }],
    ['"top-k: minKeep" expected integer in [1, 2147483647], got 0', { kind: "top-k", k: 1, minKeep: 0 }],
    ['"top-p: p" expected 0 < n < 1 (or n >= 1: off), got NaN', { kind: "top-p", p: Number.NaN }],
    ['"tail-free: z" expected 0 < n < 1 (or n >= 1: off), got NaN', { kind: "tail-free", z: Number.NaN }],
    ['"typical: p" expected 0 < n < 1 (or n >= 1: off), got NaN', { kind: "typical", p: Number.NaN }],
    [
      '"temperature: temperature" expected n > 0 (or n <= 0: greedy), got NaN',
      { kind: "temperature", temperature: Number.NaN },
    ],
    [
      '"repetition-penalty: penalty" expected n > 0 (1: off), got NaN',
      { kind: "repetition-penalty", penalty: Number.NaN, lastN: 1 },
    ],
    [
      '"repetition-penalty: lastN" expected integer in [-2147483648, 2147483647], got 0.5',
      { kind: "repetition-penalty", penalty: 2, lastN: 0.5 },
    ],
    [
      '"repetition-penalty: exempt" expected integer in [0, 9], got 10',
      { kind: "repetition-penalty", penalty: 2, lastN: 1, exempt: [10] },
    ],
    [
      '"frequency-presence-penalty: frequency" expected a number (0: off), got NaN',
      { kind: "frequency-presence-penalty", frequency: Number.NaN, presence: 0, lastN: 1 },
    ],
    [
      '"frequency-presence-penalty: presence" expected a number (0: off), got NaN',
      { kind: "frequency-presence-penalty", frequency: 0, presence: Number.NaN, lastN: 1 },
    ],
    ['"logit-bias: id" expected integer in [0, 9], got 10', { kind: "logit-bias", biases: [[10, 1]] }],
    [
      '"logit-bias: bias" expected a number or -Infinity, got NaN',
      { kind: "logit-bias", biases: new Map([[1, Number.NaN]]) },
    ],
    ['"min-p: p" expected 0 < n <= 1 (or n <= 0: off), got NaN', { kind: "min-p", p: Number.NaN }],
    [
      '"xtc: probability" expected 0 < n <= 1 (or n <= 0: off), got NaN',
      { kind: "xtc", probability: Number.NaN, threshold: 0.1 },
    ],
    [
      '"xtc: threshold" expected 0 <= n <= 0.5 (or n > 0.5: off), got NaN',
      { kind: "xtc", probability: 0, threshold: Number.NaN },
    ],
    [
      '"dry: base" expected n >= 1 (or n < 1: off), got NaN',
      { kind: "dry", multiplier: 0, base: Number.NaN, allowedLength: 2, lastN: 1 },
    ],
    [
      '"dry: allowedLength" expected integer in [0, 2147483647], got -1',
      { kind: "dry", multiplier: 0, base: 2, allowedLength: -1, lastN: 1 },
    ],
    [
      '"dry: breakers" expected integer in [0, 9], got 10',
      { kind: "dry", multiplier: 0, base: 2, allowedLength: 2, lastN: 1, breakers: [[1, 10]] },
    ],
    [
      '"dry: breakers" expected sequences of at least one id, got none',
      { kind: "dry", multiplier: 0, base: 2, allowedLength: 2, lastN: 1, breakers: [[]] },
    ],
    ['"mirostat1: tau" expected n > 0, got NaN', { kind: "mirostat1", tau: Number.NaN, eta: 0.1 }],
    ['"mirostat2: eta" expected 0 <= n <= 1, got NaN', { kind: "mirostat2", tau: 5, eta: Number.NaN }],
  ])("%s", (message, stage) => {
    expect(() => createSampler({ stages: [stage], seed: 1, nVocab: 10 })).toThrow(new RangeError(message));
  });

  test("an unknown kind is named, whatever it is called", () => {
    for (const kind of ["topk", "__proto__", "toString"]) {
      const stage = { kind } as unknown as SamplerStage;
      expect(() => createSampler({ stages: [stage], seed: 1, nVocab: 10 })).toThrow(`got "${kind}"`);
    }
  });
});
