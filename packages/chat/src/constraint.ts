// What an answer must look like: grammars and schemas as a stage of the sampler, calls of tools as a grammar.

import { createGrammarStage, jsonSchemaToGrammar, parseGrammar, type SamplerStage } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { OutputFormat } from "./format/output-format.ts";
import type { Tools } from "./messages.ts";
import { type JsonSchema, jsonSchemaOf } from "./schema.ts";

/** A JSON pointer and what it is about, for each keyword that a grammar does not hold to. */
export type Warn = (warning: string) => void;

/** GBNF of what a schema admits. @throws GrammarError E_SCHEMA */
export function schemaGrammar(schema: JsonSchema, warn: Warn): string {
  return jsonSchemaToGrammar(schema, {
    onUnenforced: ({ pointer, keyword }) => warn(`${pointer}: "${keyword}" is not enforced`),
  });
}

/**
 * GBNF of answers that are calls of these tools.
 * @throws TypeError if calls of this format are only read
 */
export function callGrammar(
  format: OutputFormat,
  tools: Tools,
  names: readonly string[],
  isOne: boolean,
  warn: Warn,
): string {
  const forced = format.calls?.forced;
  if (forced === undefined) {
    throw new TypeError(
      `"toolChoice" expected "auto" or "none": calls in the format ${format.name} are read, not forced`,
    );
  }
  const [beforeName, beforeArguments, after] = forced.call;
  const rules: string[] = [];
  const calls = names.map((name, i) => {
    const schema = jsonSchemaOf(tools[name]?.parameters ?? { type: "object", additionalProperties: false });
    rules.push(
      withPrefix(
        schemaGrammar(schema, (text) => warn(`tools.${name}${text}`)),
        `t${i}-`,
      ),
    );
    return `( ${literal(beforeName + name + beforeArguments)} t${i}-root ${literal(after)} )`;
  });
  const call = `call ::= ${calls.join(" | ")}\n`;
  const more = isOne || forced.between === undefined ? "" : ` ( ${literal(forced.between)} call )*`;
  const root = `root ::= ${literal(forced.before ?? "")} call${more} ${literal(forced.after ?? "")}\n`;
  return root + call + rules.join("");
}

function literal(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** The same grammar with other names of rules. */
function withPrefix(grammar: string, prefix: string): string {
  // literals, classes and counts are left alone; everything else that looks like a name is one
  return grammar.replace(/"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{[^}]*\}|([a-zA-Z0-9-]+)/g, (text, name?: string) =>
    name === undefined ? text : prefix + name,
  );
}

/** @param isActive false as long as a thought comes before the constraint */
export function grammarStage(grammar: string, tokenizer: Tokenizer, isActive: () => boolean): SamplerStage {
  const stage = createGrammarStage({
    grammar: parseGrammar(grammar),
    nVocab: tokenizer.nVocab,
    // marks of calls may be control tokens
    tokenBytes: (id) => tokenizer.tokenBytes(id, { special: true }),
    eosId: tokenizer.special.eos ?? -1,
  });
  let wasActive = false;
  return {
    kind: "custom",
    name: "grammar",
    apply(candidates, context) {
      wasActive = isActive();
      if (wasActive) stage.apply(candidates, context);
    },
    accept(id) {
      if (wasActive) stage.accept(id);
    },
  };
}
