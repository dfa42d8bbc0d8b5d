// The frame of a program whose options are rows of a table: arguments without a dash, help, version and completion come
// with it.

import type { Io } from "./command.ts";
import { COMPLETION_OPTION } from "./completion.ts";
import { UsageError } from "./errors.ts";
import { type OptionSpec, optionHelp, parseOptions } from "./option-table.ts";
import { versionLine } from "./version.ts";

/** What a program says about itself; `P` is what its options set. */
export interface Program<P> {
  /** Two command lines without the program's name: the top of the help. */
  readonly examples: readonly [string, string];
  /** Behind the program's name: `[options] MODEL`. */
  readonly usage: string;
  /** What it does, for the help; several lines if need be. */
  readonly description: string;
  readonly options: readonly OptionSpec<P>[];
}

/** Every program answers to these. */
export const FRAME_OPTIONS: readonly OptionSpec<unknown>[] = [
  { ...row(COMPLETION_OPTION.names, COMPLETION_OPTION.help), value: "text", placeholder: "SHELL" },
  row(["--version"], "show the version"),
  row(["--help", "-h"], "show this help"),
];

function row(names: OptionSpec<unknown>["names"], help: string): OptionSpec<unknown> {
  return { names, value: "flag", group: "Other", help, set: () => undefined };
}

/** The rows of a program's own table and those that all programs of this frame have. */
export function allOptions<P>(options: readonly OptionSpec<P>[]): readonly OptionSpec<P>[] {
  return [...options, row(["--verbose"], "show where an error comes from (as LL_DEBUG=1)"), ...FRAME_OPTIONS];
}

/**
 * Reads a command line into `params`. Options may stand anywhere before a `--`.
 * @returns the arguments that are no options; `undefined` if help or version was asked for, which is then printed
 * @throws UsageError
 */
export async function readArguments<P>(
  program: Program<P>,
  bin: string,
  argv: readonly string[],
  params: P,
  io: Io,
): Promise<readonly string[] | undefined> {
  const { options, names, positionals } = splitArguments(program.options, argv);
  if (names.includes("--help") || names.includes("-h")) {
    io.out.write(helpText(program, bin));
    return undefined;
  }
  if (names.includes("--version")) {
    io.out.write(versionLine(bin));
    return undefined;
  }
  await parseOptions(allOptions(program.options), options, params);
  return positionals;
}

/** A command line taken apart. */
interface SplitArguments {
  /** Options, each followed by its value if it takes one. */
  readonly options: readonly string[];
  /** The options without their values. */
  readonly names: readonly string[];
  readonly positionals: readonly string[];
}

/** Tells options with their values from other arguments. A lone `-` is an argument; what is unknown counts as a flag. */
export function splitArguments<P>(table: readonly OptionSpec<P>[], argv: readonly string[]): SplitArguments {
  const takesValue = new Set(
    allOptions(table)
      .filter(({ value }) => value !== "flag")
      .flatMap(({ names }) => names),
  );
  const options: string[] = [];
  const names: string[] = [];
  const positionals: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    if (argument === "--") return { options, names, positionals: [...positionals, ...argv.slice(i + 1)] };
    if (!argument.startsWith("-") || argument === "-") {
      positionals.push(argument);
      continue;
    }
    options.push(argument);
    names.push(argument);
    const name = argument.startsWith("--") ? argument.replaceAll("_", "-") : argument;
    if (takesValue.has(name) && i + 1 < argv.length) options.push(argv[++i] as string);
  }
  return { options, names, positionals };
}

function helpText<P>({ examples, usage, description, options }: Program<P>, bin: string): string {
  const head = [
    "Examples:",
    ...examples.map((example) => `  ${bin} ${example}`.trimEnd()),
    "",
    `usage: ${bin} ${usage}`,
    "",
  ];
  return [...head, description, optionHelp(allOptions(options)), ""].join("\n");
}

/** The error for a command line that lacks an argument or has one too many. */
export function usageError<P>(program: Program<P>, bin: string, message: string): UsageError {
  return new UsageError(message, `usage: ${bin} ${program.usage} (see ${bin} --help)`);
}
