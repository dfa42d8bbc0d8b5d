// Arguments in notations other than JSON: whatever their grammars admit is read as one call, and is valid under its schema.

import { createCandidates, createGrammarStage, createRng, parseGrammar } from "@ll/sampling";
import { describe, expect, test } from "vitest";
import { isValid } from "../../../sampling/test/json-schema/validator.ts";
import { callGrammar } from "../../src/constraint.ts";
import { createOutputParser } from "../../src/formats.ts";
import { MEMBER_FORMATS } from "./outputs.ts";

const SCHEMAS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["nothing", {}],
  ["a text", { properties: { text: { type: "string" } }, required: ["text"] }],
  ["lengths", { properties: { text: { type: "string", minLength: 2, maxLength: 5 } }, required: ["text"] }],
  [
    "patterns",
    { properties: { a: { type: "string", pattern: "^[a-c]{1,3}$" }, day: { type: "string", format: "date" } } },
  ],
  [
    "listed",
    { properties: { a: { enum: ["true", "a<b", 1, null, "x y"] }, b: { const: "12" } }, required: ["b", "a"] },
  ],
  ["optional", { properties: { a: { type: "boolean" }, b: { type: "integer" }, c: { type: "null" } } }],
  ["required in between", { properties: { a: { type: "boolean" }, b: { type: "number" } }, required: ["b"] }],
  [
    "or null",
    { properties: { a: { type: ["string", "null"] }, b: { anyOf: [{ type: "string" }, { type: "null" }] } } },
  ],
  [
    "nested, by reference",
    {
      properties: { list: { type: "array", items: { $ref: "#/$defs/Item" }, maxItems: 2 } },
      required: ["list"],
      $defs: {
        Item: { type: "object", properties: { name: { type: "string" }, ok: { type: "boolean" } }, required: ["ok"] },
      },
    },
  ],
  ["not described", { properties: { any: true, o: { type: "object" } }, required: ["any", "other"] }],
];

/** Of all characters that names may have. */
const NAME = "2-go_X";

/** What may end a text, or look like it. */
const MARKS = [
  "</parameter>",
  "\n</parameter>\n",
  "</arg_value>",
  "</tool_call>",
  '<|"|>',
  '"',
  "}",
  "<",
  "</",
  "<|",
  "\n",
  "\\",
  "'",
  ">",
];
const SINGLE = [...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)), "é", "江", "😀"];
const PIECES = ["", ...MARKS, ...SINGLE].map((text) => new TextEncoder().encode(text));

/** A random text of a grammar; undefined if it does not end. */
function drawText(grammar: string, seed: number): string | undefined {
  const rng = createRng(seed);
  const nVocab = PIECES.length;
  const stage = createGrammarStage({
    ...{ grammar: parseGrammar(grammar), nVocab },
    ...{ endIds: [0], tokenBytes: (id: number) => PIECES[id] as Uint8Array },
  });
  const candidates = createCandidates(nVocab);
  const bytes: number[] = [];
  for (let step = 0; step < 500; step++) {
    candidates.ids.set(Array.from({ length: nVocab }, (_, id) => id));
    candidates.logits.fill(0);
    candidates.n = nVocab;
    stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng, nVocab });
    const permitted = [...candidates.ids].filter((_, i) => candidates.logits[i] === 0);
    expect(permitted, new TextDecoder().decode(Uint8Array.from(bytes))).not.toEqual([]);
    const marks = permitted.filter((id) => id <= MARKS.length);
    const choices = marks.length > 0 && rng.next() % 60 < step + 15 ? marks : permitted;
    const id = permitted.includes(0) ? 0 : (choices[rng.next() % choices.length] as number);
    if (id === 0) return new TextDecoder().decode(Uint8Array.from(bytes));
    stage.accept(id);
    bytes.push(...(PIECES[id] as Uint8Array));
  }
  return undefined;
}

describe.each(MEMBER_FORMATS.map((format) => [format.name, format] as const))("%s", (_name, format) => {
  test.each(SCHEMAS)("%s", (_title, more) => {
    const parameters = { type: "object", additionalProperties: { type: "string" }, ...more };
    const grammar = callGrammar(
      format.calls.forced,
      { [NAME]: { parameters } },
      [NAME],
      true,
      () => undefined,
    ) as string;
    let nWhole = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const text = drawText(grammar, seed);
      if (text === undefined) continue;
      nWhole++;
      const parser = createOutputParser({ format, tools: new Map([[NAME, parameters]]) });
      const parts = [...parser.push(text), ...parser.end()];
      expect(parts, text).toEqual([{ type: "tool-call", call: expect.objectContaining({ name: NAME }) }]);
      for (const part of parts) {
        if (part.type === "tool-call") expect(isValid(more, more, part.call.arguments), text).toBe(true);
      }
    }
    expect(nWhole).toBeGreaterThan(10);
  });

  test("what cannot be written is refused", () => {
    const grammarOf = (more: object) => {
      const tools = { go: { parameters: { type: "object", ...more } } };
      return () => callGrammar(format.calls.forced, tools, ["go"], true, () => undefined);
    };
    expect(grammarOf({ properties: { "a b": { type: "null" } } })).toThrow("cannot be written");
    expect(grammarOf({ anyOf: [{ type: "object" }] })).toThrow("cannot be written");
  });
});
