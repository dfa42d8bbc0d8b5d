// Chat templates: how a conversation is written down for a model. A template is data, in a JSON file; nothing in it is executed.

import { readFile } from "node:fs/promises";
import { FormatError } from "@ll/bytes";
import { array, check, type GenericSchema, maxLength, optional, pipe, safeParse, strictObject, string } from "valibot";
import { dataFile } from "../../data-files.ts";
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

/**
 * Patterns hold `{bos}` and `{eos}` for these ids, `{text}` for what it is about and `{system}` for the system prompt in its block.
 * What stands for a placeholder is only ever plain text to the model, whatever is in it.
 */
export interface Template {
  /** One line for lists. */
  readonly summary: string;
  /** The system prompt if the user gives none. */
  readonly system: string;
  /** Put round a system prompt; without one there is no block. */
  readonly systemBlock: string;
  /** Before the first turn; it stays when old turns have to go. */
  readonly start: string;
  /** The first turn of the user, if it is written another way than the others. */
  readonly firstUser?: string | undefined;
  /** A turn of the user, up to where the model goes on. */
  readonly user: string;
  /** Behind an answer, before the next turn. */
  readonly answerEnd: string;
  /** An answer ends before any of these. */
  readonly stop: readonly string[];
  /** Texts in patterns that the vocabulary may have an id of its own for. */
  readonly special: readonly string[];
}

/** What a file has to be. */
export const TEMPLATE_SCHEMA: GenericSchema<unknown, Template> = strictObject({
  summary: pattern,
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
export const TEMPLATE_NAMES: readonly string[] = ["plain", "alpaca", "vicuna", "llama-2", "chatml"];

/**
 * A template by its name, or from a file.
 * @throws UsageError for a name that is none; FormatError `E_TEMPLATE` for a file that is no template; IoError
 */
export async function loadTemplate(nameOrPath: string): Promise<Template> {
  if (TEMPLATE_NAMES.includes(nameOrPath)) {
    return parseTemplate(await readFile(dataFile(`templates/${nameOrPath}.json`), "utf8"), nameOrPath);
  }
  if (!/[./\\]/.test(nameOrPath)) {
    const suggestion = closest(nameOrPath, TEMPLATE_NAMES);
    const hint = suggestion === undefined ? "a file needs a / or a . in its name" : `Did you mean ${suggestion}?`;
    throw new UsageError(`no template "${nameOrPath}": expected ${TEMPLATE_NAMES.join(", ")} or a file`, hint);
  }
  return parseTemplate(await readSmallFile(nameOrPath), nameOrPath);
}

/** @param file for messages @throws FormatError `E_TEMPLATE` */
export function parseTemplate(text: string, file: string): Template {
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
