// The listing that llama.cpp's `main` prints of a grammar before it starts.

import type { Grammar, GrammarElement, GrammarRule } from "./grammar.ts";

/**
 * One line per rule, in order of ids, as llama.cpp prints them below `main: grammar:`: every character is a set in brackets, and
 * each line ends with a blank. Undefined rules behind the last defined one are not listed; before it, the first one ends the
 * listing with an empty line and llama.cpp's complaint.
 */
export function printGrammar(grammar: Grammar): string[] {
  const { rules } = grammar;
  const lines: string[] = [];
  const lastDefined = rules.findLastIndex((rule) => rule.elements !== undefined);
  for (const [id, { name, elements }] of rules.slice(0, lastDefined + 1).entries()) {
    if (elements === undefined) {
      const complaint = `malformed rule, does not end with LLAMA_GRETYPE_END: ${id}`;
      return [...lines, "", `print_grammar: error printing grammar: ${complaint}`];
    }
    const shown = elements.map((element, i) => showElement(element, elements[i + 1], rules));
    lines.push(`${name} ::= ${shown.join("")}`);
  }
  return lines;
}

function showElement(element: GrammarElement, next: GrammarElement | undefined, rules: readonly GrammarRule[]): string {
  const { kind, value } = element;
  if (kind === "ref") return `${rules[value]?.name} `;
  if (kind === "alt") return "| ";
  if (kind === "end") return "";
  const goesOn = next?.kind === "char-alt" || next?.kind === "range-upper";
  return `${PREFIX[kind]}${showCodePoint(value)}${goesOn ? "" : "] "}`;
}

const PREFIX = { char: "[", "char-not": "[^", "char-alt": "", "range-upper": "-" } as const;

function showCodePoint(value: number): string {
  if (value >= 0x20 && value <= 0x7f) return String.fromCharCode(value);
  return `<U+${value.toString(16).toUpperCase().padStart(4, "0")}>`;
}
