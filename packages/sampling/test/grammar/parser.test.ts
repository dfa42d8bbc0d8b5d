// The language of GBNF, rule by rule: what the text becomes, and how llama.cpp complains about it.

import { describe, expect, test } from "vitest";
import { GrammarError, isGrammarError, parseGrammar, printGrammar } from "../../src/index.ts";

/** The rules as llama.cpp lists them, without the final blanks. */
const list = (text: string | Uint8Array) => printGrammar(parseGrammar(text)).map((line) => line.trimEnd());

const errorOf = (text: string | Uint8Array): GrammarError => {
  try {
    parseGrammar(text);
  } catch (error) {
    if (isGrammarError(error)) return error;
    throw error;
  }
  throw new Error("no error");
};

describe("elements", () => {
  test("a literal is a set for each character, escapes are characters", () => {
    expect(list('root ::= "ab"')).toEqual(["root ::= [a] [b]"]);
    expect(list('root ::= "\\t\\r\\n\\\\\\"\\[\\]"')[0]).toBe(
      'root ::= [<U+0009>] [<U+000D>] [<U+000A>] [\\] ["] [[] []]',
    );
    expect(list('root ::= "\\x41\\u00e9\\U0001F600"')).toEqual(["root ::= [A] [<U+00E9>] [<U+1F600>]"]);
    expect(list('root ::= "\\UFFFFFFFF"')).toEqual(["root ::= [<U+FFFFFFFF>]"]);
    expect(list('root ::= "é江😀"')).toEqual(["root ::= [<U+00E9>] [<U+6C5F>] [<U+1F600>]"]);
    expect(list('root ::= "a\nb"')).toEqual(["root ::= [a] [<U+000A>] [b]"]);
  });

  test("a class has members and ranges; the hyphen is one only between two members", () => {
    expect(list("root ::= [a-z0-9_]")).toEqual(["root ::= [a-z0-9_]"]);
    expect(list("root ::= [^a-z]")).toEqual(["root ::= [^a-z]"]);
    expect(parseGrammar("root ::= [^a-zé]").rules[0]?.elements).toEqual([
      { kind: "char-not", value: 0x61 },
      { kind: "range-upper", value: 0x7a },
      { kind: "char-alt", value: 0xe9 },
      { kind: "end", value: 0 },
    ]);
    const kinds = (text: string) => parseGrammar(text).rules[0]?.elements?.map(({ kind }) => kind);
    expect(kinds("root ::= [a-]")).toEqual(["char", "char-alt", "end"]);
    expect(kinds("root ::= [-a]")).toEqual(["char", "char-alt", "end"]);
    expect(kinds("root ::= [a-c-9]")).toEqual(["char", "range-upper", "char-alt", "char-alt", "end"]);
    expect(kinds("root ::= [a^]")).toEqual(["char", "char-alt", "end"]);
  });

  test("what matches nothing but the empty text leaves no element", () => {
    expect(list('root ::= [] "" [^] "a"')).toEqual(["root ::= [a]"]);
    expect(list("root ::=")).toEqual(["root ::="]);
    expect(list('root ::= "a" |')).toEqual(["root ::= [a] |"]);
  });

  test("bytes that are no UTF-8 are taken by their first four bits", () => {
    const bytes = (...middle: number[]) => Uint8Array.of(...new TextEncoder().encode('root ::= "'), ...middle, 0x22);
    expect(list(bytes(0x85))).toEqual(["root ::= [<U+0005>]"]); // a stray continuation: its low seven bits
    expect(list(bytes(0xc3, 0x22))).toEqual(["root ::= [<U+00E2>]"]); // the quote is swallowed
    expect(list(bytes(0xf8, 0x80, 0x80, 0x80))).toEqual(["root ::= [<U+200000>]"]);
  });

  test("everything from the first NUL on is ignored", () => {
    expect(list('root ::= "a"\n\0 nonsense')).toEqual(["root ::= [a]"]);
    expect(list(Uint8Array.of(...new TextEncoder().encode("root ::= [b]"), 0, 0xff))).toEqual(["root ::= [b]"]);
  });
});

describe("rules", () => {
  test("ids follow the first mention, generated names carry the rule's name and the id", () => {
    expect(list('root ::= b ("x" c)* "y"\nc ::= "c"\nb ::= ("p" | ("q")+)?')).toEqual([
      "root ::= b root_4 [y]",
      "b ::= b_8",
      "root_2 ::= [x] c",
      "c ::= [c]",
      "root_4 ::= root_2 root_4 |",
      "b_5 ::= [p] | b_7",
      "b_6 ::= [q]",
      "b_7 ::= b_6 b_7 | b_6",
      "b_8 ::= b_5 |",
    ]);
  });

  test("an operator takes the whole item before it, and can be stacked", () => {
    expect(list('root ::= "a" "bc"* [d]? x+\nx ::= "e"+*')).toEqual([
      "root ::= [a] root_1 root_2 root_4",
      "root_1 ::= [b] [c] root_1 |",
      "root_2 ::= [d] |",
      "x ::= x_6",
      "root_4 ::= x root_4 | x",
      "x_5 ::= [e] x_5 | [e]",
      "x_6 ::= x_5 x_6 |",
    ]);
  });

  test("the last definition wins", () => {
    expect(list('root ::= "a"\nroot ::= "b"')).toEqual(["root ::= [b]"]);
  });

  test("remember where they were mentioned first, and whether they were defined", () => {
    const { rules } = parseGrammar('root ::= later ("g")*');
    expect(rules.map(({ name, origin, offset }) => [name, origin, offset])).toEqual([
      ["root", "name", 0],
      ["later", "name", 9],
      ["root_2", "group", 15],
      ["root_3", "repetition", 20],
    ]);
    expect(rules[1]?.elements).toBeUndefined();
  });
});

describe("what later revisions of llama.cpp read", () => {
  test("a dot is any character", () => {
    expect(list("root ::= . .?")).toEqual([
      "root ::= [<U+0000>-<U+10FFFF>] root_1",
      "root_1 ::= [<U+0000>-<U+10FFFF>] |",
    ]);
  });

  test("counts become rules for powers of two", () => {
    expect(list("root ::= [a]{5}")).toEqual([
      "root ::= root_1 root_3",
      "root_1 ::= [a]",
      "root_2 ::= root_1 root_1",
      "root_3 ::= root_2 root_2",
    ]);
    expect(list("root ::= [a]{2,}")).toEqual([
      "root ::= root_2 root_3",
      "root_1 ::= [a]",
      "root_2 ::= root_1 root_1",
      "root_3 ::= root_1 root_3 |",
    ]);
    expect(list('root ::= a{0,2}\na ::= "a"')).toEqual([
      "root ::= root_4",
      "a ::= [a]",
      "root_2 ::= | a",
      "root_3 ::= a a",
      "root_4 ::= root_2 | root_3",
    ]);
    expect(list('root ::= "x" "a"{0} "b"{1}')).toEqual(["root ::= [x] [b]"]);
  });

  test("a count of a million takes some forty rules", () => {
    expect(parseGrammar("root ::= [a]{0,1000000}").rules.length).toBeLessThan(60);
    expect(parseGrammar("root ::= (([a]{0,100000}){0,100000}){0,100000}").rules.length).toBeLessThan(200);
  });

  test.each([
    ["root ::= {2}", "expecting preceding item to { at {2}", 9],
    ['root ::= "a"{', "expecting a number at ", 13],
    ['root ::= "a"{,3}', "expecting a number at ,3}", 13],
    ['root ::= "a"{1', "expecting ',' or '}' at ", 14],
    ['root ::= "a"{1,2', "expecting ',' or '}' at ", 16],
    ['root ::= "a"{3,2}', "expecting a maximum that is not below the minimum at {3,2}", 12],
  ])("%j", (text, message, offset) => {
    expect(errorOf(text)).toMatchObject({ code: "E_SYNTAX", message, offset });
  });

  test("numbers beyond 31 bits, and too many rules in all", () => {
    expect(errorOf("root ::= [a]{2147483648}").code).toBe("E_LIMIT");
    expect(parseGrammar("root ::= [a]{2147483647}").rules.length).toBeLessThan(40);
    expect(errorOf(`root ::= ${"[a]{0,2147483647}".repeat(2000)}`).code).toBe("E_LIMIT");
  });
});

describe("space", () => {
  test("comments and blank lines stand between rules; blanks, tabs and comments within", () => {
    expect(list('# head\r\n\r\n\t root\t::= "a" # tail\r\n# between\n\rb ::= "b"#end')).toEqual([
      "root ::= [a]",
      "b ::= [b]",
    ]);
  });

  test("lines go on behind ::=, behind | and within parentheses", () => {
    expect(list('root ::= # why\n "a" |\n\n "b" (\n "c"\n | "d"\n )\n')).toEqual([
      "root ::= [a] | [b] root_1",
      "root_1 ::= [c] | [d]",
    ]);
  });

  test("CR, LF and CR LF end a line", () => {
    expect(list('a ::= "a"\rroot ::= "b"\r\nc ::= "c"\n')).toEqual(["a ::= [a]", "root ::= [b]", "c ::= [c]"]);
  });
});

describe("errors in llama.cpp's words, with the rest of the text", () => {
  test.each([
    ["_root ::= a", "expecting name at _root ::= a", 0],
    ['"a"', 'expecting name at "a"', 0],
    ["root := a", "expecting ::= at := a", 5],
    ["root", "expecting ::= at ", 4],
    ["root\n::= a", "expecting ::= at \n::= a", 4],
    ['root ::= "a" ]\nb', "expecting newline or end at ]\nb", 13],
    ['root ::= "a"\n | "b"', 'expecting name at | "b"', 14],
    ['root ::= ("a"', "expecting ')' at ", 13],
    ['root ::= ("a" ] "b")', `expecting ')' at ] "b")`, 14],
    ["root ::= * a", "expecting preceeding item to */+/? at * a", 9],
    ['root ::= ""+', "expecting preceeding item to */+/? at +", 11],
    ['root ::= "a" []?', "expecting preceeding item to */+/? at ?", 15],
    ["root ::= (+)", "expecting preceeding item to */+/? at +)", 10],
    ['root ::= "\\q"', 'unknown escape at \\q"', 10],
    ['root ::= "\\', "unknown escape at \\", 10],
    ["root ::= [\\-]", "unknown escape at \\-]", 10],
    ['root ::= "\\x4g"', 'expecting 2 hex chars at 4g"', 12],
    ['root ::= "\\u12"', 'expecting 4 hex chars at 12"', 12],
    ["root ::= [\\U1234567]", "expecting 8 hex chars at 1234567]", 12],
    ['root ::= "é\\x', "expecting 2 hex chars at ", 14],
    ['root ::= "a', "unexpected end of input", 11],
    ["root ::= [a", "unexpected end of input", 11],
    ["root ::= [a-", "unexpected end of input", 12],
  ])("%j", (text, message, offset) => {
    expect(errorOf(text)).toMatchObject({ name: "GrammarError", code: "E_SYNTAX", message, offset });
  });

  test.each(["", " \t\r\n", "# only a comment", "\0root ::= [a]"])("no rule at all: %j", (text) => {
    expect(errorOf(text)).toMatchObject({ code: "E_EMPTY", message: "the grammar has no rule" });
  });
});

describe("limits", () => {
  test("of the text", () => {
    const huge = `root ::= "a" #${"x".repeat(2 ** 20)}`;
    expect(errorOf(huge).code).toBe("E_LIMIT");
    expect(errorOf(new TextEncoder().encode(huge)).code).toBe("E_LIMIT");
    expect(errorOf(`root ::= "${"é".repeat(2 ** 19)}"`).code).toBe("E_LIMIT"); // fewer characters than bytes
    expect(list(huge.slice(0, 2 ** 20))).toEqual(["root ::= [a]"]);
  });

  test("of nesting, with the offset of the first parenthesis too many", () => {
    const nested = (depth: number) => `root ::= ${"(".repeat(depth)}"a"${")".repeat(depth)}`;
    expect(parseGrammar(nested(200)).rules).toHaveLength(201);
    expect(errorOf(nested(201))).toMatchObject({ code: "E_DEPTH", offset: 209, field: "root" });
    expect(errorOf(`root ::= ${"(".repeat(1_000_000)}`).code).toBe("E_DEPTH");
  });

  test("of names", () => {
    expect(parseGrammar(`${"a".repeat(256)} ::= [a]`).rules).toHaveLength(1);
    expect(errorOf(`${"a".repeat(257)} ::= [a]`)).toMatchObject({ code: "E_LIMIT", offset: 0 });
  });

  test("as many operators as fit are stacked without blowing up", () => {
    expect(parseGrammar(`root ::= "ab"${"+".repeat(100_000)}`).rules).toHaveLength(100_001);
  });
});

test("isGrammarError tells codes apart", () => {
  const error = errorOf("");
  expect(isGrammarError(error)).toBe(true);
  expect(isGrammarError(error, "E_EMPTY")).toBe(true);
  expect(isGrammarError(error, "E_SYNTAX")).toBe(false);
  expect(isGrammarError(new Error("E_EMPTY"))).toBe(false);
  expect(isGrammarError("E_EMPTY")).toBe(false);
  expect(error).toBeInstanceOf(GrammarError);
});

test("a message shows what is left of a hostile grammar inert and cut", () => {
  const hostile = errorOf("\x1b]0;title\x07\u009b\u202e\t\nb").message;
  expect(hostile).toBe("expecting name at \\x1b]0;title\\x07\\x9b\\u{202e}\t\nb");
  const long = errorOf(`?${"x".repeat(2 ** 20 - 1)}`).message;
  expect(long).toMatch(/^expecting name at \?x+…$/);
  expect(long).toHaveLength(512);
});

test.each([undefined, null, 5, {}])("%j is no text of a grammar", (text) => {
  expect(() => parseGrammar(text as unknown as string)).toThrow(/^"text" expected GBNF as a string or its bytes, got /);
});
