// What a grammar costs per token, in passes over the logits that find the largest, on 32,000 ids.
//   node --conditions=@ll/source packages/sampling/bench/grammar.ts [tokenizer.model]
// Without a file the vocabulary is made up: bytes, and random words of 2 to 12 letters with and without a blank in front.

import { readFileSync } from "node:fs";
import { createTokenizer, readSentencePieceModel } from "@ll/tokenizer";
import { createCandidates, createGrammarStage, createRng, jsonSchemaToGrammar, parseGrammar } from "../src/index.ts";

const N_TOKENS = 400; // per round
const ROUNDS = 5;
const EOS = 2;

const rng = createRng(1);
const texts = process.argv[2] === undefined ? madeUpVocabulary() : vocabularyOf(process.argv[2]); // (nVocab)
const nVocab = texts.length;

function vocabularyOf(path: string): Uint8Array[] {
  const tokenizer = createTokenizer(readSentencePieceModel(new Uint8Array(readFileSync(path))));
  return Array.from({ length: tokenizer.nVocab }, (_, id) => tokenizer.tokenBytes(id));
}

function madeUpVocabulary(): Uint8Array[] {
  const words = Array.from({ length: 32_000 - 259 }, () => {
    const letters = Array.from({ length: 2 + (rng.next() % 11) }, () => String.fromCharCode(97 + (rng.next() % 26)));
    return new TextEncoder().encode((rng.next() % 2 === 0 ? " " : "") + letters.join(""));
  });
  const control = Array.from({ length: 3 }, () => new Uint8Array(0));
  return [...control, ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...words];
}

const json = jsonSchemaToGrammar({});
const grammars: Record<string, string> = {
  "any JSON": json,
  "JSON of a schema": jsonSchemaToGrammar({
    type: "object",
    properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } }, next: { $ref: "#" } },
    required: ["name"],
  }),
  words: 'root ::= (" "? [a-z]+)+ "."',
  "not a vowel": "root ::= [^aeiou]*",
  ambiguous: 'root ::= [a-z] root "b" | [a-z] root "c" | ""',
};

const candidates = createCandidates(nVocab);
const context = { logits: candidates.logits, lastTokens: [], rng, nVocab };

function fillCandidates(): void {
  for (let id = 0; id < nVocab; id++) candidates.ids[id] = id;
  candidates.logits.fill(0);
  candidates.n = nVocab;
}

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

function elapsedUs(action: () => void): number {
  const start = performance.now();
  action();
  return (performance.now() - start) * 1000;
}

const row = Float32Array.from({ length: nVocab }, () => rng.next()); // (nVocab)
let sink = 0; // keeps results alive, so that no pass is optimised away
const passes = Array.from({ length: 200 }, () => elapsedUs(() => (sink += indexOfLargest(row))));
const passUs = Math.min(...passes);
console.log(`${"one pass".padEnd(18)} ${passUs.toFixed(0).padStart(6)} µs`);

for (const [name, text] of Object.entries(grammars)) {
  const grammar = parseGrammar(text);
  let makeUs = Number.POSITIVE_INFINITY;
  let rows: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let stage = createGrammarStage({
      grammar,
      nVocab,
      endIds: [EOS],
      tokenBytes: (id) => texts[id] ?? new Uint8Array(0),
    });
    makeUs = Math.min(
      makeUs,
      elapsedUs(() => {
        stage = createGrammarStage({
          grammar,
          nVocab,
          endIds: [EOS],
          tokenBytes: (id) => texts[id] ?? new Uint8Array(0),
        });
      }),
    );
    rows = []; // the first rounds are the warm-up
    for (let i = 0; i < N_TOKENS; i++) {
      fillCandidates();
      rows.push(elapsedUs(() => stage.apply(candidates, context)));
      const permitted = Array.from({ length: nVocab }, (_, id) => id).filter((id) => candidates.logits[id] === 0);
      const id = permitted[rng.next() % permitted.length] ?? EOS;
      if (id === EOS) stage.reset();
      else stage.accept(id);
    }
  }
  rows.sort((a, b) => a - b);
  const inPasses = (us: number | undefined) => `${((us ?? 0) / passUs).toFixed(1).padStart(7)}`;
  const mean = rows.reduce((sum, us) => sum + us, 0) / rows.length;
  console.log(
    `${name.padEnd(18)} make ${(makeUs / 1000).toFixed(0).padStart(4)} ms, per token in passes: ` +
      `median${inPasses(rows[rows.length >> 1])}  mean${inPasses(mean)}  largest${inPasses(rows.at(-1))}`,
  );
}
console.log(
  `node ${process.version}, ${nVocab} ids, ${N_TOKENS} random tokens, last of ${ROUNDS} rounds (check ${sink})`,
);
