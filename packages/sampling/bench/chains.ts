// How long one token takes, as a multiple of the cheapest conceivable sampler: one pass that finds the largest logit.
//   node --conditions=@ll/source packages/sampling/bench/chains.ts

import { type Build803Options, build803Chain, createRng, createSampler } from "../src/index.ts";

const N_VOCAB = 32_000;
const N_ROWS = 32; // different logits, so that branch predictors cannot learn them
const ROUNDS = 15;

const rng = createRng(1);

/** Sum of 12 uniforms: near enough to the bell curve that logits of a language model follow. */
function bell(): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.next() / 2 ** 32;
  return 3 * sum;
}

const rows = Array.from({ length: N_ROWS }, () => Float32Array.from({ length: N_VOCAB }, bell)); // (N_ROWS, N_VOCAB)
const history = Int32Array.from({ length: 512 }, () => rng.next() % N_VOCAB); // (512)

/** The yardstick. */
function indexOfLargest(logits: Float32Array): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] as number;
    if (logit > largest) {
      largest = logit;
      best = i;
    }
  }
  return best;
}

let sink = 0; // keeps results alive, so that no pass is optimised away

/** Microseconds per call in one round over all rows. */
function time(pick: (logits: Float32Array) => number): number {
  const start = performance.now();
  for (const logits of rows) sink += pick(logits);
  return ((performance.now() - start) * 1000) / N_ROWS;
}

function withChain(options: Build803Options): (logits: Float32Array) => number {
  const sampler = createSampler({ stages: build803Chain(options), seed: 1, nVocab: N_VOCAB });
  return (logits) => sampler.sample(logits, history);
}

const off = { topK: 0, topP: 1 };
const cases: Record<string, (logits: Float32Array) => number> = {
  "find the largest": indexOfLargest,
  greedy: withChain({ temperature: 0 }),
  "default chain": withChain({}),
  "top-k 1000": withChain({ topK: 1000 }),
  "top-p only": withChain({ topK: 0 }),
  "tail-free only": withChain({ ...off, tfsZ: 0.95 }),
  "typical only": withChain({ ...off, typicalP: 0.95 }),
  "mirostat 1": withChain({ mirostat: 1 }),
  "mirostat 2": withChain({ mirostat: 2 }),
};

const best = new Map(Object.keys(cases).map((name) => [name, Number.POSITIVE_INFINITY]));
for (let round = 0; round < ROUNDS; round++) {
  // all cases in turn, so that a noisy neighbour disturbs them alike; the first rounds are the warm-up
  for (const [name, pick] of Object.entries(cases)) best.set(name, Math.min(best.get(name) ?? 0, time(pick)));
}
const yardstick = best.get("find the largest") ?? Number.NaN;
for (const [name, us] of best) {
  console.log(`${name.padEnd(18)} ${us.toFixed(1).padStart(8)} µs  ${(us / yardstick).toFixed(1).padStart(6)} passes`);
}
console.log(`node ${process.version}, ${N_VOCAB} logits, best of ${ROUNDS} rounds (check ${sink})`);
