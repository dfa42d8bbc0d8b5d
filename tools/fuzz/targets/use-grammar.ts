// Grammars, by which tokens are drawn.

import { createGrammarStage, createSampler, parseGrammar } from "@ll/sampling";
import { seeds as grammarSeeds } from "./grammar.ts";
import { asProgram } from "./small-engine.ts";

export { dictionary, maxBytes } from "./grammar.ts";
export const seeds: readonly Uint8Array[] = grammarSeeds;

const TEXTS = ["", "a", "b", "ab", "1", "\n", "\u00e4", " ", '"', ",", "x", "y"].map((text) =>
  new TextEncoder().encode(text),
);
const LOGITS = Float32Array.from(TEXTS, (_, i) => (i * 7) % 5);
const DRAWN_TOKENS = 8;

export function fuzz(data: Uint8Array): Promise<void> {
  return asProgram(async () => {
    const grammar = parseGrammar(data);
    const nVocab = TEXTS.length;
    const stage = createGrammarStage({ grammar, nVocab, tokenBytes: (id) => TEXTS[id] as Uint8Array, endIds: [0] });
    const sampler = createSampler({ stages: [stage], seed: 1, nVocab });
    for (let i = 0; i < DRAWN_TOKENS && sampler.sample(LOGITS) !== 0; i++);
  });
}
