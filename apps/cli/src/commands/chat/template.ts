// Chat templates: how a conversation is written down for a model. A template is data, in a JSON file; nothing in it is executed.

import { FormatError } from "@ll/bytes";
import { TEMPLATES, type Template } from "@ll/chat/templates";
import { array, check, type GenericSchema, maxLength, optional, pipe, safeParse, strictObject, string } from "valibot";
import { UsageError } from "../../errors.ts";
import { closest } from "../../suggest.ts";
import { readSmallFile } from "../../whole-file.ts";

/** Longest pattern: a system prompt may be long, but no template is a book. */
const MAX_PATTERN_CHARS = 16 * 1024;
const MAX_LIST = 32;

/** Stop texts and special texts are looked for at every character: such a text is a word or a line. */
const MAX_MARK_CHARS = 256;

const pattern = pipe(string(), maxLength(MAX_PATTERN_CHARS));
const userPattern = pipe(
  pattern,
  check((text) => text.includes("{text}"), "expected {text} in it"),
);
const list = optional(pipe(array(pipe(string(), maxLength(MAX_MARK_CHARS))), maxLength(MAX_LIST)), []);

/** What of a template is saved: what its file says. */
export type PatternTemplate = Omit<Template, "name" | "special"> & { readonly special: readonly string[] };

/** What a file has to be. */
export const TEMPLATE_SCHEMA: GenericSchema<unknown, PatternTemplate> = strictObject({
  name: optional(pattern),
  summary: optional(pattern),
  system: pattern,
  systemBlock: userPattern,
  start: pattern,
  firstUser: optional(userPattern),
  user: userPattern,
  answerEnd: pattern,
  stop: list,
  special: list,
});

/** The templates that come with the program. */
export const TEMPLATE_NAMES: readonly string[] = TEMPLATES.map(({ name }) => name);

/** What a saved conversation says of one that was held by the template of its model's file. */
export const FILE_TEMPLATE = "file";

/**
 * A template by its name, or from a file.
 * @throws UsageError for a name that is none; FormatError `E_TEMPLATE` for a file that is no template; IoError
 */
export async function loadTemplate(nameOrPath: string): Promise<PatternTemplate> {
  const known = TEMPLATES.find(({ name }) => name === nameOrPath);
  if (known !== undefined) return { special: [], ...known };
  if (!/[./\\]/.test(nameOrPath)) {
    const suggestion = closest(nameOrPath, TEMPLATE_NAMES);
    const hint = suggestion === undefined ? "a file needs a / or a . in its name" : `Did you mean ${suggestion}?`;
    throw new UsageError(`no template "${nameOrPath}": expected ${TEMPLATE_NAMES.join(", ")} or a file`, hint);
  }
  return parseTemplate(await readSmallFile(nameOrPath), nameOrPath);
}

/** @param file for messages @throws FormatError `E_TEMPLATE` */
export function parseTemplate(text: string, file: string): PatternTemplate {
  const fail = (message: string, field?: string): FormatError =>
    new FormatError({ code: "E_TEMPLATE", file, message, ...(field === undefined ? {} : { field }) });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw fail(`no template: ${(error as Error).message}`);
  }
  const parsed = safeParse(TEMPLATE_SCHEMA, content);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw fail(`no template: ${issue.message}`, issue.path?.map(({ key }) => String(key)).join("."));
}
