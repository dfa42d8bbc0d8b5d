// Calls of functions as a grammar: names and arguments, and what each notation has around them.

import { type ArgumentsNotation, prefixRules, schemaToArguments } from "./arguments.ts";
import { type JsonSchemaOptions, jsonSchemaToGrammar } from "./json-schema.ts";
import { literalOf } from "./primitive-rules.ts";

/** What stands around names and arguments, for a grammar that admits calls only. */
export interface CallsNotation {
  /** GBNF of what may come first, where thoughts are written as messages. */
  readonly inFront?: string;
  readonly before?: string;
  /** In front of the name, between name and arguments, behind the arguments. */
  readonly call: readonly [beforeName: string, beforeArguments: string, after: string];
  /** What stands directly behind the name as well, and how the name is found in both. */
  readonly named?: NamedCall;
  /** How arguments are written that are no JSON object. Such calls are read when they are whole. */
  readonly members?: ArgumentsNotation;
  /** What stands behind the arguments may be a token that ends the answer. */
  readonly mayEnd?: true;
  /** Between two calls; undefined if an answer has one call. */
  readonly between?: string;
  readonly after?: string;
}

export interface NamedCall {
  /** GBNF. */
  readonly grammar: string;
  /** 1: the name. */
  readonly name: RegExp;
  /** With this in front of both, they are the id of the call. */
  readonly idPrefix?: string;
}

/** A function that may be called. */
export interface Callable {
  readonly name: string;
  /** Of its arguments. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** As that of `jsonSchemaToGrammar`. */
  readonly onUnenforced?: JsonSchemaOptions["onUnenforced"];
}

/**
 * GBNF of texts that are calls.
 * @param written what stands there already, of a call that begins with its mark; then any text may follow
 * @returns undefined if no call begins with what is written
 * @throws GrammarError as `schemaToArguments`
 */
export function callsToGrammar(
  notation: CallsNotation,
  callables: readonly Callable[],
  isOne: boolean,
  written?: string,
): string | undefined {
  const { inFront = "", before = "", between, named, call, members, mayEnd, after = "" } = notation;
  const [beforeName, beforeArguments, behind] = call;
  const inside = (i: number): string => {
    const middle = named === undefined ? "" : `${named.grammar} ${literalOf(beforeArguments)} `;
    return `${middle}t${i}-root ${mayEnd ? "" : literalOf(behind)}`;
  };
  // all that is the same in every call of a function
  const heads = callables.map(({ name }) => beforeName + name + (named === undefined ? beforeArguments : ""));
  const first = heads.flatMap((head, i) =>
    (before + head).startsWith(written ?? "")
      ? [`( ${literalOf((before + head).slice(written?.length))} ${inside(i)} )`]
      : [],
  );
  if (first.length === 0) return undefined;
  const calls = heads.map((head, i) => `( ${literalOf(head)} ${inside(i)} )`);
  const rules = callables.map(({ schema, onUnenforced }, i) => {
    const own = jsonSchemaToGrammar(schema, onUnenforced && { onUnenforced }); // for any notation: it tells what is not held to
    return prefixRules(members === undefined ? own : schemaToArguments(schema, members), `t${i}-`);
  });
  const isSeveral = !isOne && between !== undefined;
  const more = isSeveral ? ` ( ${literalOf(between)} call )*` : "";
  const any = written === undefined ? "" : ".*";
  const end = mayEnd ? `( ${literalOf(behind)} ${any} )?` : `${literalOf(after)} ${any}`;
  const root = `root ::= ${written === undefined ? inFront : ""} first${more} ${end}\nfirst ::= ${first.join(" | ")}\n`;
  return root + (isSeveral ? `call ::= ${calls.join(" | ")}\n` : "") + rules.join("");
}
