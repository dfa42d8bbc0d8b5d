// What a parser may do with an input: return, or throw a typed error that is safe to print. Anything else is a find.

import { isFormatError, isIoError } from "@ll/bytes";
import { isTemplateError } from "@ll/chat/jinja";
import { isGrammarError } from "@ll/sampling";
import { isHubError } from "../../packages/hub/src/errors.ts";

/** Longest message that an error may carry, in characters. */
const MESSAGE_CHARS = 512;

/** What no message may hold: control characters, marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** The words of `createBudget`. */
const OVER_BUDGET = /\bmore (?:bytes|items|steps) than the limit: /;

/** Undefined if the parser may throw this; otherwise what is wrong with it. */
export function complaint(error: unknown): string | undefined {
  const isTyped = isFormatError(error) || isGrammarError(error) || isTemplateError(error) || isHubError(error);
  // a server can fail in any way
  if (!isTyped && !(isIoError(error) && error.message.startsWith("cannot read http"))) {
    return error instanceof Error ? `untyped ${error.stack ?? error.message}` : `threw ${String(error)}`;
  }
  // limits of the formats come first: the budget of a parser is reached only by one that takes more than SECURITY.md promises
  if (OVER_BUDGET.test(error.message)) return `over its budget\n${error.stack}`;
  if (!/^E_[A-Z0-9_]+$/.test(error.code)) return `code "${error.code}"\n${error.stack}`;
  if (error.message.length > MESSAGE_CHARS) return `message of ${error.message.length} characters\n${error.stack}`;
  // the syntax errors of grammars are those of llama.cpp, which prints the lines that follow
  const message = error.code === "E_SYNTAX" ? error.message.replaceAll(/[\n\t]/g, "") : error.message;
  if (UNPRINTABLE.test(message)) return `unprintable message\n${error.stack}`;
  return undefined;
}

/** Undefined if no run has changed what all objects inherit. */
export function pollution(): string | undefined {
  for (const key in {}) return `Object.prototype has got "${key}"`;
  return undefined;
}
