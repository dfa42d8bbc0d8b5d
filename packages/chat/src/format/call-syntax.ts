// What stands between the marks of a call, in each notation: text to names and arguments.

/** Says of a tool what types its arguments have. */
export interface CallContext {
  /** JSON schemas of arguments by the name of the tool. */
  readonly tools: ReadonlyMap<string, unknown>;
}

export interface ParsedCall {
  readonly name: string;
  /** A JSON object: as it was written, where the notation is JSON. */
  readonly argumentsText: string;
  readonly id?: string;
}

/** "more": the text goes on behind this mark, which belongs to an argument. "broken": this is no call. */
export type ParsedCalls = readonly ParsedCall[] | "more" | "broken";

/** How calls are written whose name stands in front of the JSON value. */
interface NamedInFront {
  readonly name: RegExp; // 1: the name, 2: perhaps an id
  readonly mark: string;
}

/** `{"name": N, KEY: {…}}`, one or a list; or, with `inFront`, a name, a mark and the arguments. */
export function jsonCalls(key: "arguments" | "parameters", inFront?: NamedInFront, mustBeKnown = false) {
  return (body: string, { tools }: CallContext): ParsedCalls => {
    const at = inFront === undefined ? -1 : body.indexOf(inFront.mark);
    if (inFront !== undefined && at >= 0 && !/^\s*[[{]/.test(body)) {
      const [, name, id] = inFront.name.exec(body.slice(0, at)) ?? [];
      const argumentsText = body.slice(at + inFront.mark.length).trim();
      if (name === undefined || !isObjectText(argumentsText)) return "broken";
      return [{ name, argumentsText, ...(id !== undefined && { id }) }];
    }
    const members = listOf(body.trim());
    if (members === undefined || members.length === 0) return "broken";
    const calls: ParsedCall[] = [];
    for (const text of members) {
      const parts = membersOf(text);
      const name = parts?.get("name");
      if (parts === undefined || name === undefined) return "broken";
      const parsedName: unknown = JSON.parse(name);
      const argumentsText = objectText(parts.get(key) ?? parts.get(key === "arguments" ? "parameters" : "arguments"));
      const id: unknown = JSON.parse(parts.get("id") ?? "null");
      if (typeof parsedName !== "string" || argumentsText === undefined) return "broken";
      if (mustBeKnown && !tools.has(parsedName)) return "broken";
      calls.push({ name: parsedName, argumentsText, ...(typeof id === "string" && { id }) });
    }
    return calls;
  };
}

/** Absent arguments are none; a string is taken for the object that it holds. */
function objectText(text: string | undefined): string | undefined {
  if (text === undefined) return "{}";
  if (isObjectText(text)) return text;
  const value: unknown = JSON.parse(text);
  return typeof value === "string" && isObjectText(value) ? value : undefined;
}

function isObjectText(text: string): boolean {
  const value = parseJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The texts of the members of a JSON array; of another value, itself. Undefined if it is no JSON. */
function listOf(text: string): string[] | undefined {
  const value = parseJson(text);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return [text];
  return splitJson(text.slice(1, -1));
}

/** The texts of the values of a JSON object, by name. */
function membersOf(text: string): Map<string, string> | undefined {
  if (!isObjectText(text)) return undefined;
  const members = new Map<string, string>();
  for (const member of splitJson(text.slice(1, -1))) {
    const end = endOfString(member, 0);
    members.set(JSON.parse(member.slice(0, end)) as string, member.slice(member.indexOf(":", end) + 1).trim());
  }
  return members;
}

/** Cuts at the commas that are neither in a string nor in brackets. */
function splitJson(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') at = endOfString(text, at) - 1;
    else if ("[{".includes(character)) depth++;
    else if ("]}".includes(character)) depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === "" ? parts : [...parts, last];
}

/** Behind the closing quotation mark. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

/** DeepSeek R1 and V3: `function`, mark, name, line end, the arguments in a block of code; V3.1: name, mark, arguments. */
export function deepSeekCall(body: string): ParsedCalls {
  const mark = "<｜tool▁sep｜>";
  const at = body.indexOf(mark);
  if (at < 0) return "broken";
  const behind = body.slice(at + mark.length);
  const block = /^([^\n]*)\n```(?:json)?\n([\s\S]*?)\n?```\s*$/.exec(behind);
  const [name, argumentsText] = block === null ? [body.slice(0, at), behind] : [block[1] ?? "", block[2] ?? ""];
  return namedCall(name, argumentsText);
}

/** Kimi K2: `functions.NAME:0`, mark, arguments. */
export function kimiCall(body: string): ParsedCalls {
  const mark = "<|tool_call_argument_begin|>";
  const at = body.indexOf(mark);
  if (at < 0) return "broken";
  const id = body.slice(0, at).trim();
  const name = /^(?:functions\.)?(.+?)(?::\d+)?$/.exec(id)?.[1] ?? "";
  const calls = namedCall(name, body.slice(at + mark.length));
  return typeof calls === "string" ? calls : calls.map((call) => ({ ...call, id }));
}

function namedCall(name: string, argumentsText: string): ParsedCalls {
  const trimmed = { name: name.trim(), argumentsText: argumentsText.trim() };
  return trimmed.name !== "" && isObjectText(trimmed.argumentsText) ? [trimmed] : "broken";
}

/** GLM: the name, then keys and values in tags. */
export function glmCall(body: string, { tools }: CallContext): ParsedCalls {
  const first = body.indexOf("<arg_key>");
  const name = (first < 0 ? body : body.slice(0, first)).trim();
  if (!/^[^\s<>]+$/.test(name)) return "broken";
  const values: [string, unknown][] = [];
  for (let at = first; at >= 0; ) {
    const key = between(body, "<arg_key>", "</arg_key>", at);
    const value = key && between(body, "<arg_value>", "</arg_value>", key.end);
    if (!key || !value) return "more";
    values.push([key.text.trim(), typed(value.text, tools.get(name), key.text.trim())]);
    at = body.indexOf("<arg_key>", value.end);
  }
  return [{ name, argumentsText: JSON.stringify(Object.fromEntries(values)) }];
}

/** Qwen3-Coder: `<function=NAME>`, then `<parameter=KEY>`, a line end, the value, a line end, `</parameter>` for each. */
export function qwenCoderCall(body: string, { tools }: CallContext): ParsedCalls {
  const text = body.trim();
  const head = /^<function=([^>\n]+)>/.exec(text);
  if (head === null) return "broken";
  if (!text.endsWith("</function>")) return "more";
  const name = (head[1] ?? "").trim();
  const inside = text.slice(head[0].length, -"</function>".length);
  const values: [string, unknown][] = [];
  // a value ends at the mark behind which another parameter, or nothing, follows
  const parameter = /\s*<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>\s*(?=<parameter=|$)/y;
  for (; parameter.lastIndex < inside.length; ) {
    if (inside.slice(parameter.lastIndex).trim() === "") break;
    const match = parameter.exec(inside);
    if (match === null) return "broken";
    const [, key = "", value = ""] = match;
    values.push([key.trim(), typed(value, tools.get(name), key.trim())]);
  }
  return [{ name, argumentsText: JSON.stringify(Object.fromEntries(values)) }];
}

function between(text: string, open: string, close: string, from: number): { text: string; end: number } | undefined {
  const start = text.indexOf(open, from);
  const end = start < 0 ? -1 : text.indexOf(close, start + open.length);
  return end < 0 ? undefined : { text: text.slice(start + open.length, end), end: end + close.length };
}

/** A value written without quotation marks: text where the schema says so, or where it is no JSON. */
function typed(text: string, schema: unknown, name: string): unknown {
  const properties = (schema as { properties?: Record<string, { type?: unknown; enum?: unknown[] }> } | undefined)
    ?.properties;
  const own = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (own?.type === "string" || own?.enum?.includes(text)) return text;
  const value = parseJson(text);
  return value === undefined ? text : value;
}

/** Values of Python or Gemma 4, read from the front. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern, "y");
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found === null) return undefined;
    this.at = sticky.lastIndex;
    return found[1] ?? found[0];
  }

  expect(pattern: RegExp): string {
    const found = this.match(pattern);
    if (found === undefined) throw new NotThis();
    return found;
  }
}

class NotThis extends Error {}

const MAX_DEPTH = 64;

function tryRead(read: () => ParsedCalls): ParsedCalls {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotThis) return "broken";
    throw error;
  }
}

/** LFM2: `[name(key="value", …), …]`, as Python writes calls. */
export function pythonCalls(body: string): ParsedCalls {
  if (isInsideString(body)) return "more";
  return tryRead(() => {
    const reader = new Reader(body);
    const calls: ParsedCall[] = [];
    reader.expect(/\s*\[?\s*/);
    do {
      const name = reader.expect(/\s*([A-Za-z_][\w.]*)\s*\(\s*/);
      const values: [string, unknown][] = [];
      while (reader.match(/\)/) === undefined) {
        const key = reader.expect(/\s*([A-Za-z_]\w*)\s*=\s*/);
        values.push([key, pythonValue(reader, 0)]);
        reader.expect(/\s*(?:,\s*|(?=\)))/);
      }
      calls.push({ name, argumentsText: JSON.stringify(Object.fromEntries(values)) });
    } while (reader.match(/\s*,/) !== undefined);
    reader.expect(/\s*\]?\s*$/);
    return calls;
  });
}

function isInsideString(text: string): boolean {
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === "") quote = character === '"' || character === "'" ? character : "";
    else if (character === "\\") at++;
    else if (character === quote) quote = "";
  }
  return quote !== "";
}

const PYTHON_WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["True", true],
  ["False", false],
  ["None", null],
  ["true", true],
  ["false", false],
  ["null", null],
]);

function pythonValue(reader: Reader, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new NotThis();
  const quoted = reader.match(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/);
  if (quoted !== undefined) return unquoted(quoted);
  if (reader.match(/\[\s*/) !== undefined) {
    const items: unknown[] = [];
    while (reader.match(/\]/) === undefined) {
      items.push(pythonValue(reader, depth + 1));
      reader.expect(/\s*(?:,\s*|(?=\]))/);
    }
    return items;
  }
  if (reader.match(/\{\s*/) !== undefined) {
    const entries: [string, unknown][] = [];
    while (reader.match(/\}/) === undefined) {
      const key = unquoted(reader.expect(/"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/));
      reader.expect(/\s*:\s*/);
      entries.push([key, pythonValue(reader, depth + 1)]);
      reader.expect(/\s*(?:,\s*|(?=\}))/);
    }
    return Object.fromEntries(entries);
  }
  return plainValue(reader.expect(/[-+.\w]+/));
}

function plainValue(word: string): unknown {
  if (PYTHON_WORDS.has(word)) return PYTHON_WORDS.get(word);
  const value = parseJson(word);
  if (value === undefined) throw new NotThis();
  return value;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))/g, (_, four: string, two: string, letter: string) =>
      letter === undefined ? String.fromCharCode(Number.parseInt(four ?? two, 16)) : (ESCAPES[letter] ?? letter),
    );
}

/** Gemma 4: `call:NAME{key:<|"|>text<|"|>,key:1}`. */
export function gemmaCall(body: string): ParsedCalls {
  if (body.split('<|"|>').length % 2 === 0) return "more";
  return tryRead(() => {
    const reader = new Reader(body);
    const name = reader.expect(/\s*call:([^\s{]+)\s*(?=\{)/);
    const value = gemmaValue(reader, 0);
    reader.expect(/\s*$/);
    return [{ name, argumentsText: JSON.stringify(value) }];
  });
}

function gemmaValue(reader: Reader, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new NotThis();
  const text = reader.match(/<\|"\|>([\s\S]*?)<\|"\|>/);
  if (text !== undefined) return text;
  if (reader.match(/\[\s*/) !== undefined) {
    const items: unknown[] = [];
    while (reader.match(/\]/) === undefined) {
      items.push(gemmaValue(reader, depth + 1));
      reader.expect(/\s*(?:,\s*|(?=\]))/);
    }
    return items;
  }
  if (reader.match(/\{\s*/) !== undefined) {
    const entries: [string, unknown][] = [];
    while (reader.match(/\}/) === undefined) {
      const key = reader.match(/<\|"\|>([\s\S]*?)<\|"\|>/) ?? reader.expect(/[^\s:{},]+/);
      reader.expect(/\s*:\s*/);
      entries.push([key, gemmaValue(reader, depth + 1)]);
      reader.expect(/\s*(?:,\s*|(?=\}))/);
    }
    return Object.fromEntries(entries);
  }
  return plainValue(reader.expect(/[-+.\w]+/));
}
