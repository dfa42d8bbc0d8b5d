// Counted repetitions are exact, and cheap however large the numbers are.

import { describe, expect, test } from "vitest";
import { createGrammarStage, isGrammarError, parseGrammar } from "../../src/index.ts";

/** Follows a text, character by character; says where it may not go on, or whether it may end. */
function follow(grammar: string, text: string): "end" | "open" | number {
  const vocabulary = [new Uint8Array(0), ...Array.from(text, (c) => new TextEncoder().encode(c))];
  const stage = createGrammarStage({
    grammar: parseGrammar(grammar),
    nVocab: vocabulary.length,
    endIds: [0],
    tokenBytes: (id) => vocabulary[id]!,
  });
  const accepts = (id: number): boolean => {
    try {
      stage.accept(id);
      return true;
    } catch (error) {
      if (isGrammarError(error, "E_DEAD_END")) return false;
      throw error;
    }
  };
  for (let id = 1; id < vocabulary.length; id++) if (!accepts(id)) return id - 1;
  return accepts(0) ? "end" : "open";
}

test("every count up to forty, and no other", () => {
  for (const [min, max] of [
    [0, 1],
    [0, 15],
    [0, 16],
    [3, 37],
    [7, 8],
    [31, 31],
    [1, 40],
  ] as const) {
    const grammar = `root ::= [a]{${min},${max}}`;
    for (let n = 0; n <= max; n++) expect(follow(grammar, "a".repeat(n))).toBe(n >= min ? "end" : "open");
    expect(follow(grammar, "a".repeat(max + 1))).toBe(max);
  }
});

test("a hundred thousand, also within each other, and of what can be empty", () => {
  const text = "a".repeat(1000);
  expect(follow("root ::= [a]{0,100000}", text)).toBe("end");
  expect(follow("root ::= [a]{100000}", text)).toBe("open");
  expect(follow("root ::= ( [a]{0,100000} ){1,1000}", "a".repeat(40))).toBe("end");
  expect(follow("root ::= ( [a]? ){0,100000}", "a".repeat(40))).toBe("end");
});

describe("a grammar of JSON with all that llama.cpp's has in 2026", () => {
  // line breaks within parentheses, counts, comments behind items, NUL as the end of a range, an empty first alternative
  const json = String.raw`
root ::= map
any ::= map | list | text | figure | ("true" | "false" | "null") gap
map ::= "{" gap (
    pair
    ("," gap pair)*
  )? "}" gap
pair ::= text ":" gap any
list ::= "[" gap (
    any ("," gap any)* # members
  )? "]" gap
text ::= "\"" ( [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" gap
figure ::= "-"? ([0-9] | [1-9] [0-9]{1,15}) ("." [0-9]{1,})? ([eE] [-+]? [0-9]{1,3})? gap
gap ::= | " " | "\n" [ \t]{0,20}
`;
  test.each([
    ['{"a": [1, 2.5e3, {"b\\u00e9": null}], "c": "é"}', "end"],
    ['{"a":\n                    1}', "end"],
    ['{"a":\n                     1}', 26],
    ['{"a": "\\u00g', 11],
    ['{"a": 12345678901234567}', 22],
  ])("%j", (text, expected) => {
    expect(follow(json, text)).toBe(expected);
  });
});
