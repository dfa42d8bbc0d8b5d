import { expect, test } from "vitest";
import { parseGrammar, printGrammar } from "../../src/index.ts";

const list = (text: string) => printGrammar(parseGrammar(text));

test("lines end with a blank", () => {
  expect(list('root ::= "a" [b-dx] other | ""\nother ::= [^\\n"]')).toEqual([
    "root ::= [a] [b-dx] other | ",
    'other ::= [^<U+000A>"] ',
  ]);
});

test("characters 0x20 to 0x7f are printed, others named", () => {
  expect(list('root ::= "\\x1f\\x20\\x7e\\x7f\\x80"')).toEqual(["root ::= [<U+001F>] [ ] [~] [\x7f] [<U+0080>] "]);
});

test("an undefined rule before a defined one ends the listing with llama.cpp's complaint", () => {
  expect(list("root ::= one two\none ::= [1]\nthree ::= [3]")).toEqual([
    "root ::= one two ",
    "one ::= [1] ",
    "",
    "print_grammar: error printing grammar: malformed rule, does not end with LLAMA_GRETYPE_END: 2",
  ]);
});

test("an undefined rule behind the last defined one is not listed", () => {
  expect(list("root ::= one two")).toEqual(["root ::= one two "]);
});
