// Texts of the grammar of a schema: drawn at random, and followed.

import { expect } from "vitest";
import {
  createCandidates,
  createGrammarStage,
  isGrammarError,
  jsonSchemaToGrammar,
  parseGrammar,
  type Rng,
  type UnenforcedKeyword,
} from "../../src/index.ts";

const encoder = new TextEncoder();
const EOS = 0;

/** Pieces of JSON, letters and bytes: a schema's texts can be spelled in many ways. */
const PIECES = [
  '{"',
  '":',
  '": ',
  '",',
  "},",
  "]}",
  "[[",
  "true",
  "fal",
  "null",
  "12",
  "0.5",
  "e+",
  "\\u00",
  '\\"',
  "a\\",
  "é",
  "江",
  "😀",
];
const SINGLE = Array.from({ length: 95 }, (_, i) => Uint8Array.of(32 + i));
const BYTES = [0x0a, 0xc3, 0xa9, 0xe6, 0xb1, 0x9f, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0xf8].map((byte) =>
  Uint8Array.of(byte),
);
const VOCABULARY = [new Uint8Array(0), ...PIECES.map((piece) => encoder.encode(piece)), ...SINGLE, ...BYTES];
const N_VOCAB = VOCABULARY.length;
const CLOSING = new Set([...'"}],:'].map((c) => c.charCodeAt(0)));

/** A random text of a schema; undefined if it did not come to an end. */
export function sampleText(
  schema: unknown,
  rng: Rng,
  onUnenforced?: (unenforced: UnenforcedKeyword) => void,
): string | undefined {
  const grammar = parseGrammar(jsonSchemaToGrammar(schema, onUnenforced === undefined ? {} : { onUnenforced }));
  const stage = createGrammarStage({ grammar, nVocab: N_VOCAB, endIds: [EOS], tokenBytes: (id) => VOCABULARY[id]! });
  const candidates = createCandidates(N_VOCAB);
  const bytes: number[] = [];
  for (let step = 0; step < 400; step++) {
    candidates.ids.set(Array.from({ length: N_VOCAB }, (_, id) => id));
    candidates.logits.fill(0);
    candidates.n = N_VOCAB;
    stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng, nVocab: N_VOCAB });
    const permitted = [...candidates.ids].filter((_, i) => candidates.logits[i] === 0);
    expect(permitted).not.toEqual([]); // a schema's grammar has no dead end
    // the longer the text, the more it is drawn to what closes
    const closing = permitted.filter((id) => id === EOS || CLOSING.has(VOCABULARY[id]![0]!));
    const choices = closing.length > 0 && rng.next() % 40 < step + 4 ? closing : permitted;
    const id = choices[rng.next() % choices.length]!;
    stage.accept(id);
    // not "fatal": spelled in bytes, a character may come out overlong, as llama.cpp's rules for cut characters permit
    if (id === EOS) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
    bytes.push(...VOCABULARY[id]!);
  }
  return undefined;
}

/** True if the text can be spelled, character by character, and ended. */
export function accepts(schema: unknown, text: string): boolean {
  return textMatcher(schema, true)(text);
}

/** Says of texts whether they can be spelled and ended; with `isLenient`, of schemas of which not all is enforced too. */
export function textMatcher(schema: unknown, isLenient: boolean): (text: string) => boolean {
  const grammar = parseGrammar(jsonSchemaToGrammar(schema, isLenient ? { onUnenforced() {} } : {}));
  return (text) => {
    const vocabulary = [new Uint8Array(0), ...Array.from(text, (c) => encoder.encode(c))];
    const nVocab = vocabulary.length;
    const stage = createGrammarStage({ grammar, nVocab, endIds: [0], tokenBytes: (id) => vocabulary[id]! });
    try {
      for (let id = 1; id < nVocab; id++) stage.accept(id);
      stage.accept(0);
      return true;
    } catch (error) {
      if (isGrammarError(error, "E_DEAD_END")) return false;
      throw error;
    }
  };
}
