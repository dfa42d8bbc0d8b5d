// Completion scripts for shells, made from the option tables: option names with their sentences, file names for the rest.

import { UsageError } from "./errors.ts";
import type { OptionSpec } from "./option-table.ts";

/** What a script has to know of an option; rows of every option table have it. */
export type CompletedOption = Pick<OptionSpec<unknown>, "names" | "value" | "help" | "placeholder">;

/** The row of `--completion` itself; programs answer to it as their first argument. */
export const COMPLETION_OPTION: CompletedOption = {
  names: ["--completion"],
  value: "text",
  placeholder: "SHELL",
  help: "first of all arguments: print a completion script for bash, zsh or fish",
};

export interface CompletedProgram {
  readonly bin: string;
  readonly options: readonly CompletedOption[];
  /** What the first argument may be; empty for a file. */
  readonly words: readonly string[];
}

const SHELLS: ReadonlyMap<string, (program: CompletedProgram) => string> = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);

/** Words that the value of an option may be. */
const VALUE_WORDS: ReadonlyMap<string, readonly string[]> = new Map([["--completion", [...SHELLS.keys()]]]);

/** @throws UsageError for a shell that is not bash, zsh or fish */
export function completionScript(shell: string | undefined, program: CompletedProgram): string {
  const script = SHELLS.get(shell ?? "");
  if (script === undefined) {
    const shells = [...SHELLS.keys()].join(", ");
    throw new UsageError(`--completion expected one of ${shells}, got ${shell ?? "nothing"}`);
  }
  return script(program);
}

function bashScript({ bin, options, words }: CompletedProgram): string {
  const name = functionName(bin);
  const withWords = options.filter((option) => wordsOf(option) !== undefined);
  const withValue = options.filter(({ value }) => value !== "flag" && value !== "path");
  const patterns = (some: readonly CompletedOption[]): string => some.flatMap(({ names }) => names).join("|");
  const cases = [
    ...withWords.map((option) => `    ${patterns([option])}) words="${wordsOf(option)?.join(" ")}" ;;`),
    // a number or a text: nothing to offer, not even files
    `    ${patterns(withValue.filter((option) => wordsOf(option) === undefined))}) compopt +o default; return ;;`,
  ].filter((line) => !line.startsWith("    )"));
  const first = words.length === 0 ? [] : [`  [[ $COMP_CWORD == 1 && $word != -* ]] && words="${words.join(" ")}"`];
  return [
    `# ${bin} for bash: source <(${bin} --completion bash)`,
    `${name}() {`,
    `  local word=\${COMP_WORDS[COMP_CWORD]} words=""`,
    "  COMPREPLY=()",
    ...(cases.length === 0 ? [] : [`  case "\${COMP_WORDS[COMP_CWORD-1]}" in`, ...cases, "  esac"]),
    ...first,
    `  [[ $words == "" && $word == -* ]] && words="${options.flatMap(({ names }) => names).join(" ")}"`,
    `  [[ $words != "" ]] && COMPREPLY=($(compgen -W "$words" -- "$word"))`,
    "  return 0",
    "}",
    `complete -o default -F ${name} ${bin}`,
    "",
  ].join("\n");
}

function zshScript({ bin, options, words }: CompletedProgram): string {
  const name = functionName(bin);
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
  const rows = options.map((option) => {
    const { names, value, placeholder, help } = option;
    const heads = names.length === 1 ? `'${names[0]}` : `'(${names.join(" ")})'{${names.join(",")}}'`;
    const choices = wordsOf(option);
    const action = choices === undefined ? (value === "path" ? "_files" : " ") : `(${choices.join(" ")})`;
    const argument = value === "flag" ? "" : `:${escaped(placeholder ?? value)}:${action}`;
    return `    ${heads}[${escaped(help)}]${argument}'`;
  });
  const first = words.length === 0 ? [] : [`    '1:program:(${words.join(" ")})'`];
  return [
    `#compdef ${bin}`,
    `# ${bin} for zsh: a file _${bin} in a folder of $fpath, or: source <(${bin} --completion zsh)`,
    `${name}() {`,
    "  _arguments \\",
    `${[...rows, ...first, "    '*:file:_files'"].join(" \\\n")}`,
    "}",
    `if [[ $funcstack[1] == _${bin} ]]; then ${name} "$@"; else compdef ${name} ${bin}; fi`,
    "",
  ].join("\n");
}

function fishScript({ bin, options, words }: CompletedProgram): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const rows = options.map((option) => {
    const names = option.names.map((name) => {
      if (name.startsWith("--")) return `-l ${name.slice(2)}`;
      return name.length === 2 ? `-s ${name.slice(1)}` : `-o ${name.slice(1)}`;
    });
    const choices = wordsOf(option);
    const argument = option.value === "flag" ? [] : [option.value === "path" ? "-r -F" : "-x"];
    const values = choices === undefined ? [] : [`-a ${quoted(choices.join(" "))}`];
    return ["complete", "-c", bin, ...names, ...argument, ...values, "-d", quoted(option.help)].join(" ");
  });
  const first = words.length === 0 ? [] : [`complete -c ${bin} -n __fish_use_subcommand -a ${quoted(words.join(" "))}`];
  return [`# ${bin} for fish: ${bin} --completion fish | source`, ...first, ...rows, ""].join("\n");
}

function wordsOf({ names }: CompletedOption): readonly string[] | undefined {
  return VALUE_WORDS.get(names[0]);
}

function functionName(bin: string): string {
  return `_${bin.replaceAll("-", "_")}`;
}
