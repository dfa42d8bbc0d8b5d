// The frame of a program whose options are rows of a table: arguments without a dash, help, version and completion come
// with it.

import type { Io } from "./command.ts";
import { COMPLETION_OPTION } from "./completion.ts";
import {
  applyLayers,
  type ConfigLayer,
  configFileLayers,
  configText,
  environmentLayers,
  expandHome,
  FLAG,
  homeOf,
  type Origins,
  SHARED_OPTIONS,
  variableOf,
} from "./configuration.ts";
import { UsageError } from "./errors.ts";
import { invalidParameter, type OptionSpec, optionHelp, withDashes } from "./option-table.ts";
import { tableColumns } from "./text-table.ts";
import { columnsOf, wrapText } from "./text-wrap.ts";
import { versionLine } from "./version.ts";

/** What a program says about itself; `P` is what its options set. */
export interface Program<P> {
  /** Two command lines without the program's name: the top of the help. */
  readonly examples: readonly [string, string];
  /** Behind the program's name: `[options] MODEL`. */
  readonly usage: string;
  /** What it does, for the help, which breaks it into lines. */
  readonly description: string;
  readonly options: readonly OptionSpec<P>[];
  /**
   * What arguments without a dash are the values of, in order, such as `--model`; one that stands on the command line by its
   * name is passed over.
   */
  readonly arguments?: readonly string[];
  /** Without `arguments`: how many of them are paths, in which `~` is the home directory; 1 if absent. */
  readonly paths?: number;
  /** What the help says below the options. */
  readonly more?: (columns: number) => string;
  /** The configuration file may set any option; if absent, those that programs share. */
  readonly wholeConfig?: true;
}

/** A command line that has been read. */
export interface CommandLine {
  /** The arguments that are no options. */
  readonly positionals: readonly string[];
  /** Those that are no option's value either. */
  readonly extra: readonly string[];
  readonly origins: Origins;
}

/** Every program answers to these. */
const FRAME_OPTIONS: readonly OptionSpec<unknown>[] = [
  {
    ...COMPLETION_OPTION,
    group: "Other",
    set: (_params, { option }) => {
      throw invalidParameter(option, "expected to be the first of all arguments");
    },
  },
  row(["--version"], "show the version"),
  row(["--help", "-h"], "show this help"),
];

function row(names: OptionSpec<unknown>["names"], help: string): OptionSpec<unknown> {
  return { names, value: "flag", group: "Other", help, set: () => undefined };
}

/** The rows of a program's own table and those that all programs of this frame have. */
export function allOptions<P>(options: readonly OptionSpec<P>[]): readonly OptionSpec<P>[] {
  const verbose = row(["--verbose", "-v"], "show where an error comes from (as LL_DEBUG=1)");
  const printConfig = row(["--print-config"], "show every option, its value and where that comes from");
  return [...options, ...(runsModel(options) ? [printConfig] : []), verbose, ...FRAME_OPTIONS];
}

/** Programs that run a model take settings from the environment and the configuration file as well. */
function runsModel<P>(options: readonly OptionSpec<P>[]): boolean {
  return options.some(({ names }) => names[0] === "--model");
}

/** The arguments of `readCommandLine` that are no options. */
export async function readArguments<P>(
  ...given: Parameters<typeof readCommandLine<P>>
): Promise<readonly string[] | undefined> {
  return (await readCommandLine(...given))?.positionals;
}

/**
 * Reads a command line into `params`. Options may stand anywhere before a `--`.
 * @returns `undefined` if help, version or configuration was asked for, which is then printed
 * @throws UsageError
 */
export async function readCommandLine<P>(
  program: Program<P>,
  bin: string,
  argv: readonly string[],
  params: P,
  io: Io,
): Promise<CommandLine | undefined> {
  const { options: flags, names, positionals: typed } = splitArguments(program.options, argv);
  if (names.includes("--help") || names.includes("-h")) {
    io.out.write(helpText(program, bin, columnsOf(io.out, io.env)));
    return undefined;
  }
  if (names.includes("--version")) {
    io.out.write(versionLine(bin));
    return undefined;
  }
  const named = names.map((name) => nameOf(program.options, name));
  const modes = program.options.filter((option) => option.isOutputMode && named.includes(option.names[0]));
  if (modes.length > 1)
    throw usageError(program, bin, `${modes[0]?.names[0]} and ${modes[1]?.names[0]} exclude each other`);
  const nPaths = program.arguments === undefined ? (program.paths ?? 1) : 0;
  const positionals = typed.map((text, i) => (i < nPaths ? expandHome(text, homeOf(io.env)) : text));
  const meant = (program.arguments ?? []).filter((name) => !named.includes(name));
  const asOptions = meant.flatMap((name, i) => (i < positionals.length ? [name, positionals[i] as string] : []));
  const given: ConfigLayer[] = [
    { origin: FLAG, argv: flags },
    { origin: "argument", argv: asOptions },
  ];
  const layers = [...(await outerLayers(program, io)), ...given];
  const origins = await applyLayers(
    allOptions(program.options),
    layers,
    params,
    homeOf(io.env),
    named.includes("--quiet") ? undefined : io.err,
  );
  if (names.includes("--print-config")) {
    io.out.write(configText(program.options, origins, tableColumns(io.out, io.env, { truncate: true })));
    return undefined;
  }
  return { positionals, extra: positionals.slice(meant.length), origins };
}

/** First name of the option that is called by this one of its names. */
function nameOf<P>(table: readonly OptionSpec<P>[], name: string): string | undefined {
  return table.find(({ names }) => names.includes(name))?.names[0];
}

function sharedOf<P>(table: readonly OptionSpec<P>[]): string[] {
  return SHARED_OPTIONS.filter((name) => nameOf(table, name) === name);
}

/** Settings from outside the command line, the weakest first. */
async function outerLayers<P>({ options, wholeConfig }: Program<P>, { env }: Io): Promise<ConfigLayer[]> {
  if (!runsModel(options)) return [];
  const shared = sharedOf(options);
  const file = await configFileLayers(env, options, wholeConfig ? undefined : shared);
  return [...file, ...environmentLayers(env, shared)];
}

/** A command line taken apart. */
interface SplitArguments {
  /** Options, each followed by its value if it takes one. */
  readonly options: readonly string[];
  /** The options without their values, with `-` for `_`. */
  readonly names: readonly string[];
  readonly positionals: readonly string[];
}

/** Tells options with their values from other arguments: `--name VALUE` or `--name=VALUE`. A lone `-` and a number are arguments; what is unknown counts as a flag. */
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
    if (!argument.startsWith("-") || /^-(?:\d|$)/.test(argument)) {
      positionals.push(argument);
      continue;
    }
    const [, long, value] = /^(--[^=]+)=(.*)$/s.exec(argument) ?? [];
    const name = long ?? argument;
    const needsValue = takesValue.has(withDashes(name));
    const isWhole = needsValue && value !== undefined;
    names.push(withDashes(isWhole ? name : argument));
    if (isWhole) options.push(name, value);
    else options.push(argument);
    if (needsValue && !isWhole && i + 1 < argv.length) options.push(argv[++i] as string);
  }
  return { options, names, positionals };
}

function helpText<P>(program: Program<P>, bin: string, columns: number): string {
  const { examples, usage, description, options, more } = program;
  const head = [
    "Examples:",
    ...examples.map((example) => wrapText(`  ${bin} ${example}`.trimEnd(), columns, 4)),
    "",
    wrapText(`usage: ${bin} ${usage}`, columns, 4),
    "",
  ];
  const about = [description, ...(runsModel(options) ? [sourcesHelp(program)] : [])];
  const rows = [wrapText(about.join("\n"), columns), optionHelp(allOptions(options), columns)];
  return [...head, ...rows, ...(more === undefined ? [] : ["", more(columns)]), ""].join("\n");
}

/** Where settings come from that the command line leaves open. */
function sourcesHelp<P>({ options, wholeConfig }: Program<P>): string {
  const shared = sharedOf(options);
  const inFile = wholeConfig ? 'any options, as in {"temp": 0.7},' : shared.map((name) => name.slice(2)).join(", ");
  return (
    `Flags win over ${shared.map(variableOf).join(", ")} in the environment, these over ` +
    `${inFile} in $XDG_CONFIG_HOME/ll/config.json (~/.config if that is not set).`
  );
}

/** The error for a command line that lacks an argument or has one too many. */
export function usageError<P>(program: Program<P>, bin: string, message: string): UsageError {
  return new UsageError(message, `usage: ${bin} ${program.usage} (see ${bin} --help)`);
}
