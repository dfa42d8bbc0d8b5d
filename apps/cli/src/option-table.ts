// Options as build 803 of llama.cpp read them, driven by one table: names, value, help and what the option sets. The same table gives
// parsing, the help text and the documentation, so that none of them can forget an option.

import { printable } from "@ll/bytes";
import { UsageError } from "./errors.ts";
import { closest } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";
import { wrapText } from "./text-wrap.ts";

/** What an option reads from the command line; `flag` reads nothing. */
export type ValueKind = "flag" | "int" | "uint" | "float" | "text" | "path";

/** One option; `P` is what a command's options set. */
export interface OptionSpec<P> {
  /** All spellings, the preferred long one first: `--n-predict`, `-n`, `--predict`. */
  readonly names: readonly [string, ...string[]];
  readonly value: ValueKind;
  /** Of a flag: words that may stand behind it and `=`, such as `--color=auto`; `text` of the value is then the word. */
  readonly words?: readonly string[];
  /** What the value may be, for completion; `set` checks it. */
  readonly choices?: readonly string[];
  /** Shown for the value in help: `N`, `FILE`. */
  readonly placeholder?: string;
  readonly group: string;
  /** One sentence; a default is appended to it in help. */
  readonly help: string;
  /** Default as shown in help. */
  readonly shownDefault?: string;
  /** Says what standard output holds: of such options a command line has one at most. */
  readonly isOutputMode?: true;
  /** Its value may hold a password, and is not shown. */
  readonly isSecret?: true;
  readonly set: (params: P, value: OptionValue) => void | Promise<void>;
}

/** The value of an option in the form that its kind asks for. */
export interface OptionValue {
  readonly text: string;
  readonly number: number;
  /** The option as it was typed, for errors. */
  readonly option: string;
  /** Standard error, for options that wait for standard input. */
  readonly err?: Terminal | undefined;
}

/** Reads `argv` left to right into `params`; a later option wins over an earlier one. @throws UsageError */
export async function parseOptions<P>(
  table: readonly OptionSpec<P>[],
  argv: readonly string[],
  params: P,
): Promise<void> {
  const byName = new Map<string, { spec: OptionSpec<P>; word: string }>();
  for (const spec of table) {
    for (const name of spec.names) byName.set(name, { spec, word: "" });
    for (const word of spec.words ?? []) byName.set(`${spec.names[0]}=${word}`, { spec, word });
  }
  for (let i = 0; i < argv.length; i++) {
    const typed = argv[i] as string;
    const found = byName.get(withDashes(typed));
    if (found === undefined) throw unknownOption(typed, [...byName.keys()]);
    const { spec, word } = found;
    if (spec.value === "flag") {
      await spec.set(params, { text: word, number: Number.NaN, option: typed });
      continue;
    }
    i++;
    const text = argv[i];
    if (text === undefined) throw invalidParameter(typed, `expected ${valueText(spec)} behind it, got nothing`);
    if (spec.value === "path" && text.startsWith("--") && text !== "--") {
      throw invalidParameter(
        typed,
        `expected ${valueText(spec)} behind it, got ${text}; a path that begins with -- is written ./--`,
      );
    }
    await spec.set(params, { text, number: toNumber(spec.value, text, typed), option: typed });
  }
}

/** In a long option every `_` stands for `-`: `--repeat_penalty`. */
export function withDashes(name: string): string {
  return name.startsWith("--") ? name.replaceAll("_", "-") : name;
}

/** `N, the tokens to generate`: what an option wants behind it. */
function valueText<P>({ placeholder = "a value", help }: OptionSpec<P>): string {
  return `${placeholder} (${help})`;
}

function unknownOption(typed: string, names: readonly string[]): UsageError {
  const suggestion = closest(withDashes(typed), names);
  const hint = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
  return new UsageError(`error: unknown argument: ${typed}`, hint);
}

/** Longest hint: it may show a value. */
const HINT_CHARS = 512;

/** Build 803's message for a missing or malformed value. */
export function invalidParameter(option: string, hint?: string): UsageError {
  return new UsageError(
    `error: invalid parameter for argument: ${option}`,
    hint === undefined ? undefined : printable(hint, HINT_CHARS),
  );
}

const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function toNumber(kind: ValueKind, text: string, option: string): number {
  if (kind === "text" || kind === "path") return Number.NaN;
  const trimmed = text.trim();
  const isFloat = kind === "float";
  if (!(isFloat ? DECIMAL : INTEGER).test(trimmed)) {
    throw invalidParameter(option, `expected ${isFloat ? "a number" : "a whole number"}, got "${text}"`);
  }
  const value = Number(trimmed);
  // -1 as an unsigned number wraps to 2^32 - 1, as it always did for seeds
  const [min, max] = kind === "uint" ? [-(2 ** 31), 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
  if (!isFloat && (value < min || value > max)) {
    throw invalidParameter(option, `expected ${min} … ${max}, got ${text}`);
  }
  return kind === "uint" ? value >>> 0 : isFloat ? Math.fround(value) : value;
}

/** Columns of the names in help where sentences stand beside them, and the narrowest sentence that may. */
const NAME_COLUMNS = 34;
const MIN_SENTENCE_COLUMNS = 30;

/** Help for a table, no line wider than `columns`: one block a group, names, placeholder, sentence and default. */
export function optionHelp<P>(table: readonly OptionSpec<P>[], columns: number): string {
  const groups = new Map<string, OptionSpec<P>[]>();
  for (const spec of table) groups.set(spec.group, [...(groups.get(spec.group) ?? []), spec]);
  const lines: string[] = [];
  for (const [group, specs] of groups) {
    lines.push("", `${group}:`);
    for (const spec of specs) {
      const left =
        `  ${[...spec.names].sort((a, b) => a.length - b.length).join(", ")} ${spec.placeholder ?? ""}`.trimEnd();
      const text = spec.shownDefault === undefined ? spec.help : `${spec.help} (default: ${spec.shownDefault})`;
      lines.push(...helpRow(left, text, columns));
    }
  }
  return lines.join("\n");
}

/** The sentence stands beside the names, or below them where one of the two has no room. */
export function helpRow(left: string, text: string, columns: number, nameColumns: number = NAME_COLUMNS): string[] {
  const isBeside = columns - nameColumns >= MIN_SENTENCE_COLUMNS;
  const indent = " ".repeat(isBeside ? nameColumns : 6);
  const sentence = wrapText(indent + text, columns);
  if (isBeside && left.length < nameColumns - 1) return [left + sentence.slice(left.length)];
  return [wrapText(left, columns, 2), sentence];
}
