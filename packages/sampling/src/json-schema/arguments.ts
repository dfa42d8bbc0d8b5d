// Arguments of calls in notations other than JSON: one by one, each with its name. A value is what its schema says in JSON, and its
// grammar is rewritten for the notation.

import { GrammarError } from "../grammar/errors.ts";
import { jsonSchemaToGrammar } from "./json-schema.ts";
import { literalOf } from "./primitive-rules.ts";
import { isObject, type SchemaObject } from "./schema.ts";

export interface ArgumentsNotation {
  /** In front of a name, between it and the value, behind the value. */
  readonly around: readonly [before: string, middle: string, after: string];
  /** Between two of them. */
  readonly between: string;
  /** Names that can be written. */
  readonly names: RegExp;
  /**
   * "tagged": JSON, but texts as they are, without the tag that stands behind the value. "python": literals of Python. "gemma": JSON with
   * `<|"|>` for quotation marks and without escapes.
   */
  readonly values: "tagged" | "python" | "gemma";
}

/**
 * GBNF text of the properties of a schema, those that are required first, each optional one there or not. Keywords that it does not hold
 * to are those that `jsonSchemaToGrammar` tells of.
 * @throws GrammarError as `jsonSchemaToGrammar`; E_SCHEMA also for what the notation cannot write
 */
export function schemaToArguments(schema: Readonly<Record<string, unknown>>, notation: ArgumentsNotation): string {
  const { around, between, names, values } = notation;
  const { properties, required, $defs, definitions } = schema;
  const declared = isObject(properties) ? properties : {};
  const needed = Array.isArray(required) ? [...new Set(required as string[])] : [];
  for (const keyword of ["$ref", "anyOf", "oneOf", "allOf"]) {
    if (!Object.hasOwn(schema, keyword)) continue;
    const message = `"${keyword}" of a whole object cannot be written argument by argument`;
    throw new GrammarError({ code: "E_SCHEMA", message, field: `/${keyword}` });
  }
  const all = [...new Set([...needed, ...Object.keys(declared)])];
  const [before, middle, after] = around.map(literalOf) as [string, string, string];
  const rules = all.map((name, i) => {
    const own = declared[name];
    const value = isObject(own) ? own : {};
    const document = {
      ...value,
      ...($defs !== undefined && { $defs }),
      ...(definitions !== undefined && { definitions }),
    };
    const json = jsonSchemaToGrammar(document, { onUnenforced: () => undefined });
    const grammar = names.test(name) ? VALUES[values](json, value, around[2].trim()) : undefined;
    if (grammar === undefined) {
      const message = `a value of the property ${JSON.stringify(name)} cannot be written in this notation`;
      throw new GrammarError({ code: "E_SCHEMA", message, field: `/properties/${name}` });
    }
    const member = `${before} ${literalOf(name)} ${middle} v${i}-root ${after}`;
    return `m${i} ::= ${member}\n${prefixRules(grammar, `v${i}-`)}`;
  });
  const separator = literalOf(between);
  const mayFollow = (from: number): string =>
    all
      .slice(from)
      .map((_, i) => ` ( ${separator} m${from + i} )?`)
      .join("");
  const beginnings = needed.length === 0 ? [...all.keys()] : [needed.length - 1];
  const front = needed.slice(1).map((_, i) => `m${i} ${separator} `);
  const ways = beginnings.map((i) => `${front.join("")}m${i}${mayFollow(i + 1)}`);
  if (needed.length === 0) ways.push('""');
  return `root ::= ${ways.join(" | ")}\n${rules.join("")}`;
}

/** The same grammar with other names of rules. */
export function prefixRules(grammar: string, prefix: string): string {
  // literals, classes and counts are left alone; everything else that looks like a name is one
  return grammar.replace(/"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{[^}]*\}|([a-zA-Z0-9-]+)/g, (text, name?: string) =>
    name === undefined ? text : prefix + name,
  );
}

type Rewrite = (json: string, schema: SchemaObject, close: string) => string | undefined;

/** GBNF of a value from that of the value in JSON; undefined if it cannot be written. */
const VALUES: Readonly<Record<ArgumentsNotation["values"], Rewrite>> = {
  tagged: taggedValue,
  python: (json) => json.replace(/"(true|false|null)"/g, (_, word: string) => `"${PYTHON_WORDS[word]}"`),
  gemma: gemmaValue,
};

const PYTHON_WORDS: Readonly<Record<string, string>> = { true: "True", false: "False", null: "None" };

/** How GBNF spells the backslash of an escape of JSON. */
const BACKSLASH = "\\\\";

function gemmaValue(json: string): string | undefined {
  const others = json.replace(/^(?:string|char|escape) ::= .*$/gm, "").replaceAll('\\"', '<|\\"|>');
  const quote = literalOf('<|"|>');
  const strings = `string ::= ${quote} ( [^<] | "<"+ [^<|] )* ${quote}\nchar ::= [^<]\n`;
  return others.includes(BACKSLASH) ? undefined : others + strings;
}

function taggedValue(json: string, schema: SchemaObject, close: string): string | undefined {
  const listed = Object.hasOwn(schema, "const") ? [schema["const"]] : schema["enum"];
  if (Array.isArray(listed)) {
    const texts = listed.map((one) => literalOf(typeof one === "string" ? one : JSON.stringify(one)));
    return `root ::= ${texts.join(" | ")}\n`;
  }
  if (schema["type"] !== "string") return withoutTags(json);
  const [line = "", body = ""] = /^root ::= (.*)$/m.exec(json) ?? [];
  if (body === "string") return `root ::= x0\n${textWithout(close)}`;
  // a length or a pattern, between quotation marks
  const inside = body.slice('"\\"" '.length, -' "\\""'.length);
  if (inside.includes(BACKSLASH)) return undefined;
  return `root ::= ${inside}\n${json.replace(line, "").replace(/^char ::= .*$/m, "char ::= [^<]")}`;
}

const HIGH = "\\x5D-\\uD7FF\\uE000-\\U0010FFFF";

/** JSON whose texts hold no `</`: JSON has other spellings of it. */
function withoutTags(json: string): string {
  const strings = [
    `string ::= "\\"" y0`,
    `y0 ::= "\\"" | "<" y1 | [\\x20-\\x21\\x23-\\x3B\\x3D-\\x5B${HIGH}] y0 | "\\\\" escape y0`,
    `y1 ::= "\\"" | "<" y1 | [\\x20-\\x21\\x23-\\x2E\\x30-\\x3B\\x3D-\\x5B${HIGH}] y0 | "\\\\" escape y0`,
  ];
  const others = json
    .replace(/^string ::= .*$/m, "")
    .replace(/^(char ::= .*?)\\x23-\\x5B/m, "$1\\x23-\\x3B\\x3D-\\x5B");
  return `${others}${strings.join("\n")}\n`;
}

/** Rules of which `x0` is any text without this one, whose first letter stands nowhere else in it. */
function textWithout(mark: string): string {
  const [first = ""] = mark;
  const rule = (letter: string, i: number): string => {
    const goesOn = i > 0 && i < mark.length - 1 ? `"${letter}" x${i + 1} | ` : "";
    const others = i === 0 ? `[^${first}]` : `[^${first}${letter}]`;
    return `x${i} ::= ${goesOn}"${first}" x1 | ${others} x0 | ""\n`;
  };
  return [...mark].map(rule).join("");
}
