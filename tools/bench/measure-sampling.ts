// Microseconds to choose a token of 32,000 and of 152,000, beside the cheapest conceivable way: one pass that finds the largest logit.
// Prints one line of JSON: name → microseconds. With `--ratios` it prints, for people, how many times one pass each takes.

import {
  createGrammarStage,
  createRng,
  createSampler,
  parseGrammar,
  type SamplingOptions,
  samplingChain,
} from "@ll/sampling";

const N_ROWS = 16; // different logits, so that branch predictors cannot learn them
const ROUNDS = 30;

const rng = createRng(1);
const uniform = (): number => rng.next() / 2 ** 32;
/** A sum of 12 uniform numbers is near enough to the bell curve that logits of a language model follow. */
function bell(): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += uniform();
  return 3 * sum;
}

/** A flat row, of which top-p keeps every twelfth; or one as models give it, with a few that stand out. */
function rowOf(nVocab: number, isPeaked: boolean): Float32Array {
  const row = Float32Array.from({ length: nVocab }, bell); // (nVocab)
  for (let i = 0; isPeaked && i < 40; i++) row[rng.next() % nVocab] = 22 - 8 * uniform();
  return row;
}

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

const OFF: SamplingOptions = { topK: 0, topP: 1 };
const CHAINS: Readonly<Record<string, SamplingOptions>> = {
  greedy: { temperature: 0, repeatPenalty: 1 },
  "build 803's chain": {},
  "top-p alone": { ...OFF, topP: 0.95 },
  "min-p alone": { ...OFF, minP: 0.05 },
  "tail-free alone": { ...OFF, tfsZ: 0.95 },
  "typical alone": { ...OFF, typicalP: 0.95 },
  "mirostat 1": { mirostat: 1 },
  "mirostat 2": { mirostat: 2 },
  "no filter": OFF,
};

type Choose = (logits: Float32Array) => number;

/** Names of cases, and how each chooses from a row. */
function casesFor(nVocab: number): Map<string, Choose> {
  const history = Int32Array.from({ length: 512 }, () => rng.next() % nVocab); // (512)
  const withChain = (options: SamplingOptions): Choose => {
    const sampler = createSampler({ stages: samplingChain(options), seed: 1, nVocab });
    return (logits) => sampler.sample(logits, history);
  };
  const cases = new Map<string, Choose>([["one pass", largest]]);
  for (const [name, options] of Object.entries(CHAINS)) cases.set(name, withChain(options));
  return cases;
}

/** A grammar that permits the pieces of digits alone, or all but those with a quote. */
function grammarCase(nVocab: number, text: string): Choose {
  const bytes = new TextEncoder();
  const grammar = createGrammarStage({
    grammar: parseGrammar(text),
    nVocab,
    tokenBytes: (id) => bytes.encode(id % 100 === 0 ? `${id}` : `a${id.toString(36)}`),
    endIds: [0],
  });
  const sampler = createSampler({ stages: samplingChain({ grammar }), seed: 1, nVocab });
  return (logits) => {
    const id = sampler.sample(logits);
    if (id === 0) grammar.reset();
    return id;
  };
}

let sink = 0; // keeps results alive, so that no pass is optimised away
const meanUs = new Map<string, number>();

/** Of the least time that each row took: what else runs on the machine interrupts some rounds, not all. */
function measure(cases: ReadonlyMap<string, Choose>, rows: readonly Float32Array[], suffix: string): void {
  const leastMs = new Map(Array.from(cases.keys(), (name) => [name, rows.map(() => Number.POSITIVE_INFINITY)]));
  for (let round = 0; round < ROUNDS; round++) {
    // all in turn, so that a noisy neighbour disturbs them alike; the first rounds are the warm-up
    for (const [name, choose] of cases) {
      const least = leastMs.get(name) as number[];
      for (const [i, logits] of rows.entries()) {
        const start = performance.now();
        sink += choose(logits);
        least[i] = Math.min(least[i] as number, performance.now() - start);
      }
    }
  }
  for (const [name, least] of leastMs) {
    meanUs.set(`${name}${suffix}`, (1000 * least.reduce((a, b) => a + b)) / rows.length);
  }
}

for (const nVocab of [32_000, 152_000]) {
  const cases = casesFor(nVocab);
  cases.set("grammar, few pieces", grammarCase(nVocab, "root ::= [0-9]*"));
  cases.set("grammar, most pieces", grammarCase(nVocab, 'root ::= [^"]*'));
  for (const isPeaked of [false, true]) {
    const rows = Array.from({ length: N_ROWS }, () => rowOf(nVocab, isPeaked)); // (N_ROWS, nVocab)
    measure(cases, rows, `, ${nVocab} ${isPeaked ? "peaked" : "flat"}`);
  }
}
if (!Number.isFinite(sink)) throw new Error("a choice was no number");
if (process.argv.includes("--ratios")) {
  for (const [name, us] of meanUs) {
    const pass = meanUs.get(name.replace(/^.*(?=, \d)/, "one pass")) ?? Number.NaN;
    console.log(`${name.padEnd(40)} ${us.toFixed(0).padStart(6)} us ${(us / pass).toFixed(1).padStart(6)}`);
  }
} else {
  console.log(JSON.stringify(Object.fromEntries(meanUs)));
}
