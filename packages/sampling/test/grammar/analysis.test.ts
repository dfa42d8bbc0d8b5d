// Grammars that are well-formed and cannot be run.

import { describe, expect, test } from "vitest";
import { createGrammarStage, type GrammarError, isGrammarError, parseGrammar } from "../../src/index.ts";

const errorOf = (text: string): GrammarError | undefined => {
  try {
    createGrammarStage({ grammar: parseGrammar(text), nVocab: 1, endIds: [0], tokenBytes: () => new Uint8Array(0) });
    return undefined;
  } catch (error) {
    if (isGrammarError(error)) return error;
    throw error;
  }
};

test("no root", () => {
  expect(errorOf("Root ::= [a]")).toMatchObject({ code: "E_NO_ROOT", message: 'the grammar has no rule "root"' });
});

test("an undefined rule that can be reached", () => {
  expect(errorOf("root ::= [a] | [b] lost")).toMatchObject({ code: "E_UNDEFINED", field: "lost", offset: 19 });
  expect(errorOf("x ::= root\n")).toMatchObject({ code: "E_UNDEFINED", field: "root", offset: 6 });
});

describe("left recursion", () => {
  test.each([
    ["root ::= root [a]", "root → root"],
    ["root ::= [x] | (root) [a]", "root → root_1 → root"],
    ["root ::= a\na ::= b [x]\nb ::= a | [y]", "a → b → a"],
    ['root ::= [x]? e root\ne ::= "" | [y]', "root → root"], // behind what can be empty
    ["root ::= [s] a\na ::= a?", "a → a_2 → a"],
  ])("%s", (text, cycle) => {
    const error = errorOf(text);
    expect(error?.code).toBe("E_LEFT_RECURSION");
    expect(error?.message).toContain(`can begin with itself: ${cycle}`);
  });

  test("a long circle is shown in part", () => {
    const names = Array.from({ length: 50 }, (_, i) => `r${i}`);
    const text = `root ::= r0\n${names.map((name, i) => `${name} ::= ${names[(i + 1) % 50]} | [x]\n`).join("")}`;
    expect(errorOf(text)?.message).toBe('rule "r0" (byte 9) can begin with itself: r0 → r1 → r2 → r3 → r4 → … → r0');
  });

  test("right and middle recursion are fine", () => {
    expect(errorOf('root ::= "(" root ")" | [a] root | ""')).toBeUndefined();
    expect(errorOf("root ::= [a] root")).toBeUndefined(); // never ends, but that is no error
  });
});

describe("repetition of what can be empty", () => {
  test.each([
    ['root ::= ("a"?)*', 15],
    ['root ::= "a"**', 13],
    ['root ::= "a"?+', 13],
    ["root ::= ()*", 11],
    ["root ::= [s] e+\ne ::= [x] | ", 14],
  ])("%s", (text, offset) => {
    expect(errorOf(text)).toMatchObject({ code: "E_EMPTY_REPETITION", offset });
  });

  test("an optional part that can be empty is fine", () => {
    expect(errorOf('root ::= ("a"?)? "a"+* ("")?')).toBeUndefined();
  });
});

test("rules that root never reaches are not judged", () => {
  expect(errorOf("root ::= [a]\nx ::= x | lost | ()*")).toBeUndefined();
});

test("long chains of rules cost no recursion and no square of time", () => {
  const n = 50_000;
  const chain = (order: (i: number) => number) =>
    `root ::= r0\n${Array.from({ length: n }, (_, i) => order(i))
      .map((i) => `r${i} ::= ${i + 1 < n ? `r${i + 1}` : '""'}\n`)
      .join("")}`;
  expect(errorOf(chain((i) => i))).toBeUndefined();
  expect(errorOf(chain((i) => n - 1 - i))).toBeUndefined();
});
