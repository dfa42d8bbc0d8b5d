import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import {
  createCandidates,
  createGrammarStage,
  createRng,
  isGrammarError,
  jsonSchemaToGrammar,
  parseGrammar,
  type Rng,
} from "../../src/index.ts";
import { isValid } from "./validator.ts";

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
function sampleText(schema: unknown, rng: Rng): string | undefined {
  const grammar = parseGrammar(jsonSchemaToGrammar(schema));
  const stage = createGrammarStage({ grammar, nVocab: N_VOCAB, eosId: EOS, tokenBytes: (id) => VOCABULARY[id]! });
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

const name = fc.constantFrom("a", "b", "kind", 'quo"te', "back\\slash", "new\nline", "é", "__proto__", "2", "");
const jsonValue = fc.jsonValue({ maxDepth: 1 });

const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom("string", "integer", "number", "boolean", "null").map((type) => ({ type })),
    fc.constantFrom(true, {}, { type: "object" }, { type: "array" }, { title: "anything", default: 3 }),
    jsonValue.map((value) => ({ const: value })),
    fc.array(jsonValue, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    fc.constantFrom({ $ref: "#" }, { $ref: "#/$defs/x" }, { $ref: "#/$defs/y~1~0" }),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    fc.record({ type: fc.constant("array"), items: tie("schema") }),
    fc.record(
      {
        type: fc.constantFrom("object", ["object", "null"], ["integer", "object", "string"]),
        properties: fc.dictionary(name, tie("schema"), { maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 3 }),
        additionalProperties: fc.boolean(),
      },
      { requiredKeys: ["type"] },
    ),
  ),
}));

const document = fc
  .tuple(schema, schema, schema)
  .filter(([root]) => typeof root === "object")
  .map(([root, x, y]) => ({ ...(root as object), $defs: { x, "y/~": y } }));

/** What no grammar, or no finite text, can be made of: references in a circle, `oneOf` that may overlap. */
const isRefusal = (error: unknown) => isGrammarError(error, "E_LEFT_RECURSION") || isGrammarError(error, "E_SCHEMA");

describe("every text of the grammar is JSON and valid", () => {
  test.prop([document, fc.nat()], { numRuns: 500 })("for random schemas and choices", (root, seed) => {
    let text: string | undefined;
    try {
      text = sampleText(root, createRng(seed));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      fc.pre(false);
    }
    fc.pre(text !== undefined);
    const value = JSON.parse(text!);
    expect(isValid(root, root, value), text).toBe(true);
  });
});

test("the property sees texts of every kind", () => {
  const kinds = new Set<string>();
  for (const [i, root] of fc.sample(document, { numRuns: 300, seed: 5 }).entries()) {
    try {
      const text = sampleText(root, createRng(i));
      if (text !== undefined) kinds.add(text[0]!.replace(/[-0-9]/, "0"));
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  expect([...kinds].sort().join("")).toBe('"0[fnt{');
});

test.prop([fc.jsonValue({ maxDepth: 4 }), fc.anything({ withBigInt: true, withDate: true, withMap: true })])(
  "anything is a schema or is refused",
  (json, thing) => {
    for (const root of [
      json,
      thing,
      { type: thing },
      { properties: json },
      { enum: thing },
      { anyOf: json },
      { $ref: thing },
    ]) {
      try {
        parseGrammar(jsonSchemaToGrammar(root));
      } catch (error) {
        if (!isGrammarError(error)) throw error;
      }
    }
  },
);
