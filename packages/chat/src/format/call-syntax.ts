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

/** `{"name": N, KEY: {…}}`, one or a list; with "parameters", which has no marks, of a name that is known. */
export function jsonCalls(key: "arguments" | "parameters") {
  return (body: string, { tools }: CallContext): ParsedCalls => {
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
      if (key === "parameters" && !tools.has(parsedName)) return "broken";
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
  return new Map(
    splitJson(text.slice(1, -1)).map((member) => {
      const name = /^"(?:[^"\\]|\\[\s\S])*"/.exec(member)?.[0] ?? "";
      return [JSON.parse(name) as string, member.slice(member.indexOf(":", name.length) + 1).trim()];
    }),
  );
}

/** Cuts at the commas that are neither in a string nor in brackets. */
function splitJson(text: string): string[] {
  let depth = 0;
  let start = 0;
  const parts: string[] = [];
  for (const { 0: token, index } of `${text},`.matchAll(/"(?:[^"\\]|\\[\s\S])*"|[[\]{},]/g)) {
    if ("[{".includes(token)) depth++;
    else if ("]}".includes(token)) depth--;
    else if (token === "," && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return parts.filter((part) => part !== "");
}

/** A name, a mark and arguments in JSON: the first of these patterns with the groups `name`, `args` and perhaps `id`. */
export function namedCall(...patterns: readonly RegExp[]) {
  return (body: string): ParsedCalls => {
    for (const pattern of patterns) {
      const { name = "", args = "", id } = pattern.exec(body)?.groups ?? {};
      const call = { name: name.trim(), argumentsText: args.trim(), ...(id !== undefined && { id }) };
      if (call.name !== "" && isObjectText(call.argumentsText)) return [call];
    }
    return "broken";
  };
}

/**
 * A name, then names and values of arguments in tags.
 * @param head 1: the name
 * @param parameter sticky; 1: its name, 2: its value. What follows is another one, or the end
 * @param close behind a value: without it, the call goes on
 */
export function taggedCall(head: RegExp, parameter: RegExp, close: string, tail: string) {
  return (body: string, { tools }: CallContext): ParsedCalls => {
    const text = body.trim();
    const [front = "", name] = head.exec(text) ?? [];
    if (name === undefined) return "broken";
    if (!text.endsWith(tail)) return "more";
    const inside = text.slice(front.length, text.length - tail.length).trim();
    const values: [string, unknown][] = [];
    for (parameter.lastIndex = 0; parameter.lastIndex < inside.length; ) {
      const from = parameter.lastIndex;
      const match = parameter.exec(inside);
      if (match === null) return inside.includes(close, from) ? "broken" : "more";
      const [, key = "", value = ""] = match;
      values.push([key.trim(), typed(value, tools.get(name.trim()), key.trim())]);
    }
    return [{ name: name.trim(), argumentsText: JSON.stringify(Object.fromEntries(values)) }];
  };
}

/** A value written without quotation marks: text where the schema says so, or where it is no JSON. */
function typed(text: string, schema: unknown, name: string): unknown {
  const properties = (
    schema as { properties?: Record<string, { type?: unknown; enum?: unknown[]; const?: unknown }> } | undefined
  )?.properties;
  const own = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (own?.type === "string" || own?.const === text || own?.enum?.includes(text)) return text;
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
  if (/["']/.test(body.replace(new RegExp(PYTHON.text, "g"), ""))) return "more"; // within a text
  return tryRead(() => {
    const reader = new Reader(body);
    const calls: ParsedCall[] = [];
    reader.expect(/\s*\[?\s*/);
    do {
      const name = reader.expect(/\s*([\w.-]+)\s*\(\s*/);
      const values = itemsTo(")", reader, () => {
        const key = reader.expect(/\s*([A-Za-z_][\w-]*)\s*=\s*/);
        return [key, valueIn(reader, PYTHON, 0)] as const;
      });
      calls.push({ name, argumentsText: JSON.stringify(Object.fromEntries(values)) });
    } while (reader.match(/\s*,/) !== undefined);
    reader.expect(/\s*\]?\s*$/);
    return calls;
  });
}

/** How texts are written, and keys that are none. */
interface Quoting {
  readonly text: RegExp;
  readonly textOf: (quoted: string) => string;
  readonly key?: RegExp;
}

const PYTHON: Quoting = { text: /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/, textOf: unquoted };
const GEMMA: Quoting = {
  text: /<\|"\|>[\s\S]*?<\|"\|>/,
  textOf: (quoted) => quoted.slice(5, -5),
  key: /[^\s:{},]+/,
};

function valueIn(reader: Reader, quoting: Quoting, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new NotThis();
  const quoted = reader.match(quoting.text);
  if (quoted !== undefined) return quoting.textOf(quoted);
  if (reader.match(/\[\s*/) !== undefined) return itemsTo("]", reader, () => valueIn(reader, quoting, depth + 1));
  if (reader.match(/\{\s*/) === undefined) return plainValue(reader.expect(/[-+.\w]+/));
  const entries = itemsTo("}", reader, () => {
    const name = reader.match(quoting.text);
    const key = name === undefined ? reader.expect(quoting.key ?? quoting.text) : quoting.textOf(name);
    reader.expect(/\s*:\s*/);
    return [key, valueIn(reader, quoting, depth + 1)] as const;
  });
  return Object.fromEntries(entries);
}

/** What stands between commas, to a bracket. */
function itemsTo<T>(close: ")" | "]" | "}", reader: Reader, read: () => T): T[] {
  const items: T[] = [];
  while (reader.match(new RegExp(`\\${close}`)) === undefined) {
    items.push(read());
    reader.expect(new RegExp(`\\s*(?:,\\s*|(?=\\${close}))`));
  }
  return items;
}

const PYTHON_WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["True", true],
  ["False", false],
  ["None", null],
]);

function plainValue(word: string): unknown {
  const value = PYTHON_WORDS.has(word) ? PYTHON_WORDS.get(word) : parseJson(word);
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
    const value = valueIn(reader, GEMMA, 0);
    reader.expect(/\s*$/);
    return [{ name, argumentsText: JSON.stringify(value) }];
  });
}
