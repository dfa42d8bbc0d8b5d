// Lines that begin with a slash: what can be done with a chat besides talking.

import { printable } from "@ll/bytes";
import { UsageError } from "../../errors.ts";
import { closest } from "../../suggest.ts";
import { tableLines } from "../../text-table.ts";
import type { Chat } from "./chat.ts";
import { SETTINGS } from "./options.ts";

/** What is left to do for whoever reads the lines. */
export type Outcome = "done" | "exit" | "regenerate";

type Say = (line: string) => void;

interface SlashCommand {
  /** Shown for the argument, in brackets if it may be left out. */
  readonly argument?: string;
  readonly help: string;
  readonly run: (chat: Chat, argument: string, say: Say) => Promise<Outcome> | Outcome;
}

const COMMANDS: ReadonlyMap<string, SlashCommand> = new Map<string, SlashCommand>([
  ["/help", { help: "show this", run: showHelp }],
  ["/reset", { help: "begin anew", run: reset }],
  ["/regenerate", { help: "answer the last turn again", run: () => "regenerate" }],
  ["/save", { argument: "FILE", help: "save the conversation", run: save }],
  ["/load", { argument: "FILE", help: "go on with a saved conversation", run: load }],
  ["/set", { argument: "[NAME VALUE]", help: "change a setting, such as temp 0.7; alone: list them", run: set }],
  ["/stats", { help: "show speed and the state of the context", run: showStats }],
  ["/exit", { help: "leave; so does Ctrl-D", run: () => "exit" }],
]);

/** For completion by the line editor. */
export const SLASH_NAMES: readonly string[] = [...COMMANDS.keys()];

/** Turns begin with two slashes to have one. */
export function isSlashCommand(input: string): boolean {
  return input.startsWith("/") && !input.startsWith("//");
}

/**
 * Does what a line says.
 * @param say takes lines for the user
 * @throws UsageError for a command that is none; whatever the command throws
 */
export async function runSlashCommand(chat: Chat, input: string, say: Say): Promise<Outcome> {
  const [, name = "", argument = ""] = /^(\S+)\s*(.*)$/s.exec(input.trim()) ?? [];
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const suggestion = closest(name, SLASH_NAMES);
    const hint = suggestion === undefined ? "/help lists the commands" : `Did you mean ${suggestion}?`;
    throw new UsageError(`no command ${name}`, hint);
  }
  const isOptional = command.argument?.startsWith("[") ?? true;
  if (argument === "" && !isOptional) throw new UsageError(`${name} expected ${command.argument}`);
  if (argument !== "" && command.argument === undefined) throw new UsageError(`${name} takes no argument`);
  return command.run(chat, argument, say);
}

function showHelp(_chat: Chat, _argument: string, say: Say): Outcome {
  const rows = Array.from(COMMANDS, ([name, { argument = "", help }]) => [`${name} ${argument}`.trimEnd(), help]);
  for (const line of tableLines(rows, ["left", "left"])) say(line);
  say(
    'A line that ends in \\ goes on with the next; """ begins and ends a text of several lines; // begins one with /.',
  );
  say("Ctrl-C ends an answer, and leaves if there is none; Ctrl-D leaves.");
  return "done";
}

function reset(chat: Chat, _argument: string, say: Say): Outcome {
  chat.reset();
  say("the conversation begins anew");
  return "done";
}

async function save(chat: Chat, path: string, say: Say): Promise<Outcome> {
  await chat.save(path);
  say(`saved ${chat.turns.length} turns to ${printable(path, 4096)}`);
  return "done";
}

async function load(chat: Chat, path: string, say: Say): Promise<Outcome> {
  await chat.load(path);
  say(`loaded ${chat.turns.length} turns from ${printable(path, 4096)}`);
  return "done";
}

async function set(chat: Chat, argument: string, say: Say): Promise<Outcome> {
  if (argument === "") {
    const rows = SETTINGS.map(({ names, help, shownDefault }) => {
      const name = names[0].slice(2);
      const current = chat.settings.findLast(([one]) => one === name)?.[1];
      return [name, printable(current ?? shownDefault ?? "-", 40), help];
    });
    for (const line of tableLines(rows, ["left", "left", "left"])) say(line);
    return "done";
  }
  const [, name = "", value = ""] = /^(\S+)\s*(.*)$/s.exec(argument) ?? [];
  const known = SETTINGS.find(({ names }) => names.some((one) => one.replace(/^--?/, "") === name));
  if (known === undefined) {
    const names = SETTINGS.map((one) => one.names[0].slice(2));
    const suggestion = closest(name, names);
    throw new UsageError(
      `no setting ${name}`,
      suggestion === undefined ? "/set lists them" : `Did you mean ${suggestion}?`,
    );
  }
  await chat.set(known.names[0].slice(2), value);
  say(`${known.names[0].slice(2)} = ${known.value === "flag" ? "on" : printable(value, 200)}`);
  return "done";
}

function showStats({ stats }: Chat, _argument: string, say: Say): Outcome {
  const rate = (tokens: number, ms: number): string =>
    tokens === 0 ? "none yet" : `${tokens} tokens, ${((1000 * tokens) / ms).toFixed(2)} per second`;
  const forgotten = stats.nForgotten === 0 ? "" : `, ${stats.nForgotten} of them no longer in the context`;
  const rows = [
    ["turns", `${stats.turns}${forgotten}`],
    ["context", `${stats.usedTokens} of ${stats.contextTokens} tokens`],
    ["prompt", rate(stats.promptTokens, stats.promptMs)],
    ["answers", rate(stats.answerTokens, stats.answerMs)],
    ["seed", String(stats.seed)],
  ];
  for (const line of tableLines(rows, ["left", "left"])) say(line);
  return "done";
}
