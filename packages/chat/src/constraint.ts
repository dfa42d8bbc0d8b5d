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

/** What a constraint has to know of the text before it: an `OutputParser`. */
interface Progress {
  readonly isThinking: boolean;
  readonly mayThink: boolean;
}

/**
 * A grammar that begins behind the thought.
 * @param progress undefined where there are no thoughts
 * @param thoughtId the token that begins a thought, if there is one: it is permitted as long as a thought may begin
 */
export function grammarStage(
  grammar: string,
  tokenizer: Tokenizer,
  progress: Progress | undefined,
  thoughtId: number | undefined,
): SamplerStage {
  const stage = createGrammarStage({
    grammar: parseGrammar(grammar),
    nVocab: tokenizer.nVocab,
    // marks of calls may be control tokens
    tokenBytes: (id) => tokenizer.tokenBytes(id, { special: true }),
    endIds: tokenizer.special.ends,
  });
  let isActive = true;
  let mayThink = false;
  return {
    kind: "custom",
    name: "grammar",
    apply(candidates, context) {
      isActive = progress?.isThinking !== true;
      mayThink = progress?.mayThink === true && thoughtId !== undefined;
      const thought = mayThink ? candidates.ids.subarray(0, candidates.n).indexOf(thoughtId as number) : -1;
      const logit = candidates.logits[thought];
      if (isActive) stage.apply(candidates, context);
      if (logit !== undefined) candidates.logits[thought] = logit;
    },
    accept(id) {
      if (isActive && !(mayThink && id === thoughtId)) stage.accept(id);
    },
  };
}
