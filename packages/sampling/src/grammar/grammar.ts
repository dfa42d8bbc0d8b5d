// A grammar in GBNF, parsed: rules of elements, as llama.cpp keeps them in memory.

/**
 * "char" c, "char-not" c: begin a set of characters, or its complement; "char-alt" c: one more member; "range-upper" c: the member
 * before it is a range up to c; "ref" id: a rule; "alt": the next alternative; "end": of the rule.
 */
export type GrammarElementKind = "char" | "char-not" | "char-alt" | "range-upper" | "ref" | "alt" | "end";

export interface GrammarElement {
  readonly kind: GrammarElementKind;
  /** An unsigned 32-bit code point, a rule id, or 0. */
  readonly value: number;
}

export interface GrammarRule {
  /** As written, or BASE_ID for rules that stand for a group or a repetition. */
  readonly name: string;
  readonly origin: "name" | "group" | "repetition";
  /** First mention: byte offset in the text of the grammar. */
  readonly offset: number;
  /** Ends with "end"; undefined if the rule is mentioned and never defined. */
  readonly elements: readonly GrammarElement[] | undefined;
}

export interface Grammar {
  /** Index = id, in the order of first mention. */
  readonly rules: readonly GrammarRule[];
}

/** True for the elements that name characters. */
export function isCharacterKind(kind: GrammarElementKind): boolean {
  return kind !== "ref" && kind !== "alt" && kind !== "end";
}
