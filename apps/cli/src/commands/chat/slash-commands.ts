// Lines that begin with a slash: what can be done with a chat besides talking.

import { isIoError, printable } from "@ll/bytes";
import { expandHome, homeOf } from "../../configuration.ts";
import { UsageError } from "../../errors.ts";
import { closest } from "../../suggest.ts";
import { tableLines } from "../../text-table.ts";
import type { Chat, ThinkMode } from "./chat.ts";
import { SETTINGS } from "./options.ts";

/** What is left to do for whoever reads the lines. */
export type Outcome = "done" | "exit" | "regenerate";

/** The user of a chat. */
export interface User {
  /** Tells a line. */
  readonly say: (line: string) => void;
  /** Widest line of a table. */
  readonly columns: number;
  /** Asks something that is answered by yes or no. */
  readonly confirm: (question: string) => Promise<boolean>;
}

interface SlashCommand {
  /** Other names. */
  readonly aliases?: readonly string[];
  /** Shown for the argument, in brackets if it may be left out. */
  readonly argument?: string;
  readonly help: string;
  readonly run: (chat: Chat, argument: string, user: User) => Promise<Outcome> | Outcome;
}

const COMMANDS: ReadonlyMap<string, SlashCommand> = new Map<string, SlashCommand>([
  ["/help", { help: "show this", run: showHelp }],
  ["/reset", { aliases: ["/clear"], help: "begin anew", run: reset }],
  ["/regenerate", { help: "answer the last turn again", run: () => "regenerate" }],
  ["/save", { argument: "FILE", help: "save the conversation", run: save }],
  ["/load", { argument: "FILE", help: "go on with a saved conversation", run: load }],
  ["/set", { argument: "[NAME [VALUE]]", help: "change a setting, such as temp 0.7; alone: list them", run: set }],
  [
    "/think",
    { argument: "[on|off|hide]", help: "whether the model thinks first, and shows it; alone: tell", run: think },
  ],
  ["/stats", { help: "show speed and the state of the context", run: showStats }],
  ["/exit", { aliases: ["/quit", "/bye"], help: "leave; so does Ctrl-D", run: () => "exit" }],
]);

const BY_NAME: ReadonlyMap<string, SlashCommand> = new Map(
  [...COMMANDS].flatMap(([name, command]) => [name, ...(command.aliases ?? [])].map((one) => [one, command] as const)),
);

/** For completion by the line editor. */
export const SLASH_NAMES: readonly string[] = [...BY_NAME.keys()];

/** Turns begin with two slashes to have one. */
export function isSlashCommand(input: string): boolean {
  return input.startsWith("/") && !input.startsWith("//");
}

/**
 * Does what a line says.
 * @throws UsageError for a command that is none; whatever the command throws
 */
export async function runSlashCommand(chat: Chat, input: string, user: User): Promise<Outcome> {
  const [, name = "", argument = ""] = /^(\S+)\s*(.*)$/s.exec(input.trim()) ?? [];
  const command = BY_NAME.get(name);
  if (command === undefined) {
    const suggestion = closest(name, SLASH_NAMES);
    const hint = suggestion === undefined ? "/help lists the commands" : `Did you mean ${suggestion}?`;
    throw new UsageError(`no command ${name}`, hint);
  }
  const isOptional = command.argument?.startsWith("[") ?? true;
  if (argument === "" && !isOptional) throw new UsageError(`${name} expected ${command.argument}`);
  if (argument !== "" && command.argument === undefined) throw new UsageError(`${name} takes no argument`);
  return command.run(chat, argument, user);
}

function showHelp(_chat: Chat, _argument: string, { say, columns }: User): Outcome {
  const rows = Array.from(COMMANDS, ([name, { aliases = [], argument = "", help }]) => {
    return [[name, ...aliases, argument].join(" ").trimEnd(), help];
  });
  for (const line of tableLines(rows, ["left", "left"], { columns })) say(line);
  say(
    'A line that ends in \\ goes on with the next; """ begins and ends a text of several lines; // begins one with /.',
  );
  say("Ctrl-C ends an answer, and leaves if there is none; Ctrl-D leaves.");
  return "done";
}

function reset(chat: Chat, _argument: string, { say }: User): Outcome {
  chat.reset();
  say("the conversation begins anew");
  return "done";
}

async function save(chat: Chat, argument: string, { say, confirm }: User): Promise<Outcome> {
  const path = expandHome(argument, homeOf(process.env));
  const shown = printable(path, 4096);
  try {
    await chat.save(path);
  } catch (error) {
    if (!isIoError(error, "E_EXISTS")) throw error;
    if (!(await confirm(`${shown} is there already. Replace it?`))) {
      say("not saved");
      return "done";
    }
    await chat.save(path, { replace: true });
  }
  say(`saved ${turnsText(chat.turns.length)} to ${shown}`);
  return "done";
}

async function load(chat: Chat, argument: string, { say, confirm }: User): Promise<Outcome> {
  const path = expandHome(argument, homeOf(process.env));
  if (chat.isUnsaved && !(await confirm(`${turnsText(chat.turns.length)} will be lost that no file holds. Go on?`))) {
    say("not loaded");
    return "done";
  }
  await chat.load(path);
  say(`loaded ${turnsText(chat.turns.length)} from ${printable(path, 4096)}`);
  return "done";
}

export function turnsText(n: number): string {
  return n === 1 ? "1 turn" : `${n} turns`;
}

async function set(chat: Chat, argument: string, { say, columns }: User): Promise<Outcome> {
  if (argument === "") {
    const rows = SETTINGS.map((row) => [row.names[0].slice(2), valueText(chat, row, 40), row.help]);
    for (const line of tableLines(rows, ["left", "left", "left"], { columns })) say(line);
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
  const isFlag = known.value === "flag";
  if (value === "" && !isFlag) {
    say(`${known.names[0].slice(2)} = ${valueText(chat, known, 4096)}`);
    return "done";
  }
  if (value !== "" && isFlag) throw new UsageError(`${name} takes no value`);
  await chat.set(known.names[0].slice(2), value);
  say(`${known.names[0].slice(2)} = ${isFlag ? "on" : printable(value, 4096)}`);
  return "done";
}

/** The value of a setting, whether it was given or not. */
function valueText(chat: Chat, { names, value, shownDefault }: (typeof SETTINGS)[number], maxChars: number): string {
  const name = names[0].slice(2);
  const given = chat.settings.findLast(([one]) => one === name)?.[1];
  if (value === "flag") return given === undefined ? "off" : "on";
  const ofModel = chat.modelSettings.find(([one]) => one === name)?.[1];
  return printable(given ?? ofModel ?? shownDefault ?? "-", maxChars);
}

const THINK_MODES: readonly ThinkMode[] = ["on", "off", "hide"];

function think(chat: Chat, argument: string, { say }: User): Outcome {
  if (!chat.canThink) throw new UsageError("this model does not think, or its template does not say how");
  const mode = THINK_MODES.find((one) => one === argument);
  if (mode === undefined && argument !== "") throw new UsageError(`/think expected ${THINK_MODES.join(", ")}`);
  if (mode !== undefined) chat.think = mode;
  say(`think = ${chat.think ?? "as its template has it"}`);
  return "done";
}

function showStats({ stats }: Chat, _argument: string, { say, columns }: User): Outcome {
  const rate = (tokens: number, ms: number): string =>
    tokens === 0 ? "none yet" : `${tokens} tokens, ${((1000 * tokens) / ms).toFixed(2)} per second`;
  const forgotten = stats.nForgotten === 0 ? "" : `, ${stats.nForgotten} of them no longer in the context`;
  const rows = [
    ["turns", `${stats.turns}${forgotten}`],
    ["context", `${stats.usedTokens} of ${stats.contextTokens} tokens`],
    ["prompt", rate(stats.promptTokens, stats.promptMs)],
    ["answers", rate(stats.answerTokens, stats.answerMs)],
    ...(stats.draftedTokens === 0
      ? []
      : [["guesses", `${stats.acceptedTokens} of ${stats.draftedTokens} tokens right`]]),
    ["seed", String(stats.seed)],
  ];
  for (const line of tableLines(rows, ["left", "left"], { columns })) say(line);
  return "done";
}
