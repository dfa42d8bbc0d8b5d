// Grammars in the notation of llama.cpp, up to the stage that would use them.

import { createGrammarStage, parseGrammar, printGrammar } from "@ll/sampling";

const TEXTS = ["", "a", "b", "ab", "1", "\n", "\u00e4"].map((text) => new TextEncoder().encode(text));

export const seeds: readonly Uint8Array[] = [
  'root ::= "a" ("b" | [0-9])* # comment\n',
  'root ::= x+ y?\nx ::= [^a-c\\n\\x41\\u00e4\\U0001F600]\ny ::= "\\"" | x\n',
  'root ::= item ("," item)*\nitem ::= "x" |\n  "y"\n',
  "root ::= root\n",
].map((text) => new TextEncoder().encode(text));
export const dictionary: readonly string[] = [
  "root ::= ",
  "::=",
  "|",
  "(",
  ")",
  "*",
  "+",
  "?",
  "[^",
  "[a-z]",
  '"a"',
  "\\x",
  "\\u",
  "\n",
  "# ",
  "root",
  "\\U0010FFFF",
  "((((((((",
];
export const maxBytes = 2048;

export function fuzz(data: Uint8Array): void {
  const grammar = parseGrammar(data);
  printGrammar(grammar);
  createGrammarStage({
    grammar,
    nVocab: TEXTS.length,
    tokenBytes: (id) => TEXTS[id] as Uint8Array,
    endIds: [0],
  });
}
