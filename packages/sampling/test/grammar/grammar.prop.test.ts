import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import {
  createCandidates,
  createGrammarStage,
  createRng,
  type GrammarStage,
  isGrammarError,
  parseGrammar,
} from "../../src/index.ts";
import { plainGrammar, TooManyStacks } from "../twin/plain-grammar.ts";
import { ALPHABET, derive, gbnf, matches, plainEscape, type Rules, randomRules } from "./random-grammars.ts";

const encoder = new TextEncoder();
const EOS = 0;

/** The stage, or undefined for grammars that no machine of this kind can run. */
function stageFor(rules: Rules, vocabulary: readonly Uint8Array[]): GrammarStage | undefined {
  try {
    const grammar = parseGrammar(gbnf(rules));
    return createGrammarStage({
      grammar,
      nVocab: vocabulary.length,
      endIds: [EOS],
      tokenBytes: (id) => vocabulary[id]!,
    });
  } catch (error) {
    if (isGrammarError(error, "E_LEFT_RECURSION") || isGrammarError(error, "E_EMPTY_REPETITION")) return undefined;
    throw error;
  }
}

function permittedIds(stage: GrammarStage, nVocab: number): number[] {
  const candidates = createCandidates(nVocab);
  candidates.ids.set(Array.from({ length: nVocab }, (_, id) => id));
  candidates.n = nVocab;
  stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab });
  return [...candidates.ids].filter((_, i) => candidates.logits[i] === 0);
}

const character = fc.constantFrom(...ALPHABET);
const piece = fc.array(character, { minLength: 1, maxLength: 4 }).map((c) => encoder.encode(c.join("")));
const singleBytes = [...new Set(ALPHABET.flatMap((c) => [...encoder.encode(c)]))].map((byte) => Uint8Array.of(byte));
const allCharacters = ALPHABET.map((c) => encoder.encode(c));

/** End of text, all single bytes and characters, and random pieces: everything can be spelled, in several ways. */
const soundVocabulary = fc
  .array(piece, { maxLength: 30 })
  .map((pieces) => [new Uint8Array(0), ...singleBytes, ...allCharacters, ...pieces]);

/** With cut characters, bytes that are no UTF-8, empty texts and NULs as well. */
const wildVocabulary = fc
  .tuple(soundVocabulary, fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 20 }), fc.array(piece))
  .map(([sound, junk, whole]) => [
    ...sound,
    ...junk,
    ...whole.map((text) => text.subarray(1)),
    ...whole.map((text) => text.subarray(0, -1)),
  ]);

describe("the stage permits what the plain machine permits", () => {
  test.prop([randomRules, wildVocabulary, fc.infiniteStream(fc.nat())], { numRuns: 500 })(
    "token by token, and follows it",
    (rules, vocabulary, choices) => {
      const stage = stageFor(rules, vocabulary);
      fc.pre(stage !== undefined);
      try {
        const plain = plainGrammar(parseGrammar(gbnf(rules)));
        let state = plain.start;
        for (let step = 0; step < 8; step++) {
          const expected = vocabulary.flatMap((text, id) =>
            (id === EOS ? plain.mayEnd(state) : plain.permits(state, text)) ? [id] : [],
          );
          const permitted = permittedIds(stage, vocabulary.length);
          expect(permitted).toEqual(expected);
          const texts = permitted.filter((id) => id !== EOS);
          if (texts.length === 0) break;
          const id = texts[choices.next().value! % texts.length]!;
          stage.accept!(id);
          state = plain.accept(state, vocabulary[id]!);
        }
      } catch (error) {
        if (!(error instanceof TooManyStacks)) throw error; // so far they agreed
      }
    },
  );
});

/**
 * Code points of a whole text, bytes behind the first of a character unchecked, as the grammar sees them. A character that is
 * still open at the end does not count: it does not keep the text from ending.
 */
function codePointsOf(bytes: readonly number[]): number[] {
  const codePoints: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i]!;
    const n = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    const behind = bytes.slice(i + 1, i + 1 + n);
    if (behind.length < n) break;
    codePoints.push(behind.reduce((value, byte) => value * 64 + (byte & 63), first & [0x7f, 0x3f, 0x1f, 0x0f][n]!));
    i += 1 + n;
  }
  return codePoints;
}

describe("what comes out is a text of the grammar", () => {
  test.prop([randomRules, soundVocabulary, fc.nat()], { numRuns: 500 })(
    "for random choices",
    (rules, vocabulary, seed) => {
      const stage = stageFor(rules, vocabulary);
      fc.pre(stage !== undefined);
      const rng = createRng(seed);
      const bytes: number[] = [];
      for (let step = 0; step < 60; step++) {
        const permitted = permittedIds(stage, vocabulary.length);
        if (permitted.length === 0) return; // an empty set such as [z-a]
        // ends as soon as it may, one time in three; after 20 tokens always
        const wantsEnd = step > 20 || rng.next() % 3 === 0;
        const id = permitted[0] === EOS && wantsEnd ? EOS : permitted[rng.next() % permitted.length]!;
        stage.accept!(id);
        if (id === EOS) {
          expect(matches(rules, codePointsOf(bytes))).toBe(true);
          return;
        }
        bytes.push(...vocabulary[id]!);
      }
    },
  );

  test.prop([randomRules, fc.nat()], { numRuns: 500 })("and every text of the grammar can come out", (rules, seed) => {
    const vocabulary = [new Uint8Array(0), ...allCharacters];
    const stage = stageFor(rules, vocabulary);
    fc.pre(stage !== undefined);
    const rng = createRng(seed);
    const text = derive(rules, (n) => rng.next() % n);
    fc.pre(text !== undefined);
    expect(
      matches(
        rules,
        [...text].map((c) => c.codePointAt(0)!),
      ),
    ).toBe(true); // the matcher agrees
    for (const c of text) stage.accept!(1 + ALPHABET.indexOf(c as (typeof ALPHABET)[number]));
    expect(permittedIds(stage, vocabulary.length)).toContain(EOS);
  });
});

describe("parseGrammar", () => {
  const hexEscape = (c: string) => `\\U${c.codePointAt(0)!.toString(16).padStart(8, "0").toUpperCase()}`;

  test.prop([randomRules])("does not care how a character is spelled", (rules) => {
    const parsed = (spell: (c: string) => string) =>
      parseGrammar(gbnf(rules, spell)).rules.map(({ name, elements }) => ({ name, elements }));
    expect(parsed(hexEscape)).toEqual(parsed(plainEscape));
  });

  const scrap = fc.constantFrom(
    "root",
    " ::= ",
    '"a"',
    "[a-z]",
    "[^",
    "]",
    "(",
    ")",
    "|",
    "*",
    "+",
    "?",
    ".",
    "{",
    "}",
    "{0,100000}",
    "{3,}",
    "\n",
    "#",
    "\\",
    "\\x4",
    "-",
    " ",
    "é",
    "\0",
    '"',
  );
  const hostile = fc.oneof(
    fc.array(scrap, { maxLength: 40, size: "max" }).map((parts) => encoder.encode(parts.join(""))),
    fc.array(scrap, { maxLength: 40, size: "max" }).map((parts) => encoder.encode(`root ::= ${parts.join("")}`)),
    fc.uint8Array({ maxLength: 60, size: "max" }),
    fc.tuple(randomRules, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([rules, at, byte]) => {
      const bytes = encoder.encode(gbnf(rules));
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
  );

  test.prop([hostile], { numRuns: 3000 })("takes any bytes or says where they are wrong", (bytes) => {
    try {
      const grammar = parseGrammar(bytes);
      createGrammarStage({ grammar, nVocab: 2, endIds: [0], tokenBytes: () => Uint8Array.of(0x61) });
    } catch (error) {
      if (!isGrammarError(error)) throw error;
      expect(error.message).not.toBe("");
      if (error.code === "E_NO_ROOT") return;
      expect(error.offset).toBeGreaterThanOrEqual(0);
      expect(error.offset).toBeLessThanOrEqual(bytes.length);
    }
  });
});
