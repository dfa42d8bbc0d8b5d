// Microseconds to choose a token of 32,000, beside the cheapest conceivable way: one pass that finds the largest logit.
// Prints one line of JSON: name → microseconds.

import { type Build803Options, build803Chain, createRng, createSampler, samplingChain } from "@ll/sampling";

const N_VOCAB = 32_000;
const N_ROWS = 32; // different logits, so that branch predictors cannot learn them
const ROUNDS = 40;

const rng = createRng(1);
/** A sum of 12 uniform numbers is near enough to the bell curve that logits of a language model follow. */
const bell = (): number => 3 * Array.from({ length: 12 }, () => rng.next() / 2 ** 32 - 0.5).reduce((a, b) => a + b);
const rows = Array.from({ length: N_ROWS }, () => Float32Array.from({ length: N_VOCAB }, bell)); // (N_ROWS, N_VOCAB)
const history = Int32Array.from({ length: 512 }, () => rng.next() % N_VOCAB); // (512)

function largest(logits: Float32Array): number {
  let best = 0;
  let bestLogit = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] as number;
    if (logit > bestLogit) {
      bestLogit = logit;
      best = i;
    }
  }
  return best;
}

function withChain(options: Build803Options): (logits: Float32Array) => number {
  const sampler = createSampler({ stages: build803Chain(options), seed: 1, nVocab: N_VOCAB });
  return (logits) => sampler.sample(logits, history);
}

const modern = createSampler({ stages: samplingChain({}), seed: 1, nVocab: N_VOCAB });
const cases: ReadonlyMap<string, (logits: Float32Array) => number> = new Map([
  ["one pass", largest],
  ["greedy", withChain({ temperature: 0, repeatPenalty: 1 })],
  ["build 803's chain", withChain({})],
  ["today's chain", (logits: Float32Array): number => modern.sample(logits, history)],
  ["top-p alone", withChain({ topK: 0 })],
  ["mirostat 2", withChain({ mirostat: 2 })],
]);

let sink = 0; // keeps results alive, so that no pass is optimised away
const leastUs = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  // all in turn, so that a noisy neighbour disturbs them alike; the first rounds are the warm-up
  for (const [name, choose] of cases) {
    const start = performance.now();
    for (const logits of rows) sink += choose(logits);
    const us = ((performance.now() - start) * 1000) / N_ROWS;
    leastUs.set(name, Math.min(leastUs.get(name) ?? Number.POSITIVE_INFINITY, us));
  }
}
if (!Number.isFinite(sink)) throw new Error("a choice was no number");
console.log(JSON.stringify(Object.fromEntries(leastUs)));
