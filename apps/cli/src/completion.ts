// One completion script for a shell, made from the option tables of all programs: names of options with their sentences, words
// that a value may be, names of files for the rest.

import { UsageError } from "./errors.ts";
import type { OptionSpec } from "./option-table.ts";

/** What a script has to know of an option; rows of every option table have it. */
export type CompletedOption = Pick<
  OptionSpec<unknown>,
  "names" | "value" | "help" | "placeholder" | "choices" | "words"
>;

const SHELLS = ["bash", "zsh", "fish"] as const;

/** The row of `--completion` itself; programs answer to it as their first argument. */
export const COMPLETION_OPTION: CompletedOption = {
  names: ["--completion"],
  value: "text",
  choices: SHELLS,
  placeholder: "SHELL",
  help: "first of all arguments: print a completion script for bash, zsh or fish",
};

export interface CompletedProgram {
  /** The program is `ll-VERB`, and `ll VERB`; or `VERB` of the root. */
  readonly verb: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What an argument may be behind the first, besides a file. */
  readonly words: readonly string[];
}

/**
 * @param root the program that has these as its verbs
 * @throws UsageError for a shell that is not bash, zsh or fish
 */
export function completionScript(
  shell: string | undefined,
  programs: readonly CompletedProgram[],
  root: string = "ll",
): string {
  switch (shell) {
    case "bash":
      return bashScript(programs, root);
    case "zsh":
      return zshScript(programs, root);
    case "fish":
      return fishScript(programs, root);
    default:
      throw new UsageError(`--completion expected one of ${SHELLS.join(", ")}, got ${shell ?? "nothing"}`);
  }
}

/** Behind `ll` itself. */
const LL_WORDS = ["help", "--help", "--version", "--completion"];

function bashScript(programs: readonly CompletedProgram[], root: string): string {
  const name = functionOf(root);
  const verbs = programs.map(({ verb }) => verb);
  const cases = together(programs, root).flatMap(({ names, options, words }) => [
    `    ${names.join("|")})`,
    `      options="${options.flatMap((option) => option.names).join(" ")}" words="${words.join(" ")}"`,
    "      case $before in",
    ...bashValues(options),
    "      esac ;;",
  ]);
  return [
    `# ${root} and its programs for bash: source <(${root} --completion bash)`,
    `${name}() {`,
    // bash makes a word of its own of `=`
    `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} program=\${COMP_WORDS[0]##*/}`,
    '  local options="" words="" values="" first=1',
    '  [[ $word == = ]] && before+== word=""',
    `  [[ $before == = ]] && before=\${COMP_WORDS[COMP_CWORD-2]}=`,
    "  COMPREPLY=()",
    `  if [[ $program == ${root} ]]; then`,
    `    local verbs="${verbs.join(" ")}"`,
    `    if [[ $COMP_CWORD == 1 || \${COMP_WORDS[1]} == help ]]; then`,
    `      [[ $COMP_CWORD == 1 ]] && verbs+=" ${LL_WORDS.join(" ")}"`,
    '      COMPREPLY=($(compgen -W "$verbs" -- "$word"))',
    "      return 0",
    "    fi",
    `    program=${root}-\${COMP_WORDS[1]} first=2`,
    "  fi",
    "  case $program in",
    ...cases,
    `    ${root}---completion) values="${SHELLS.join(" ")}" ;;`,
    "  esac",
    '  if [[ $values != "" ]]; then',
    "    [[ $values == none ]] && { compopt +o default; return 0; }",
    '    COMPREPLY=($(compgen -W "$values" -- "$word"))',
    "  elif [[ $word == -* ]]; then",
    '    COMPREPLY=($(compgen -W "$options" -- "$word"))',
    '  elif [[ $words != "" && $COMP_CWORD -gt $first ]]; then',
    '    COMPREPLY=($(compgen -f -W "$words" -- "$word"))',
    "  fi",
    "  return 0",
    "}",
    `complete -o default -F ${name} ${root} ${verbs.map((verb) => `${root}-${verb}`).join(" ")}`,
    "",
  ].join("\n");
}

/** Branches by the word in front: what may stand behind it; `none` for a number or a text. Files are what bash offers by itself. */
function bashValues(options: readonly CompletedOption[]): string[] {
  const branch = (some: readonly CompletedOption[], values: string): string[] =>
    some.length === 0
      ? []
      : [
          `        ${some.flatMap(({ names }) => names.flatMap((name) => [name, `${name}=`])).join("|")}) values="${values}" ;;`,
        ];
  const flagsWithWords = options.filter(({ words }) => words !== undefined);
  const withChoices = options.filter(({ value, choices }) => choices !== undefined && value !== "path");
  const free = options.filter(({ value, choices }) => !["flag", "path"].includes(value) && choices === undefined);
  return [
    ...flagsWithWords.map(({ names, words = [] }) => `        ${names[0]}=) values="${words.join(" ")}" ;;`),
    ...withChoices.flatMap((option) => branch([option], option.choices?.join(" ") ?? "")),
    ...branch(free, "none"),
    ...options
      .filter(({ value, choices }) => value === "path" && choices !== undefined)
      .map(
        ({ names, choices = [] }) =>
          `        ${names.join("|")}) COMPREPLY=($(compgen -f -W "${choices.join(" ")}" -- "$word")); return 0 ;;`,
      ),
  ];
}

function zshScript(programs: readonly CompletedProgram[], root: string): string {
  const name = functionOf(root);
  const cases = together(programs, root).flatMap(({ names, options, words }) => [
    `    (${names.join("|")})`,
    "      _arguments \\",
    `${options.map((option) => `        ${zshRow(option)}`).join(" \\\n")} \\`,
    words.length === 0
      ? "        '*:file:_files' ;;"
      : `        '1:file:_files' '*:word:{ _files; compadd ${words.join(" ")} }' ;;`,
  ]);
  const verbs = programs.map(({ verb, summary }) => `      '${zshEscaped(verb)}:${zshEscaped(summary)}'`);
  const all = [root, ...programs.map(({ verb }) => `${root}-${verb}`)].join(" ");
  return [
    `#compdef ${all}`,
    `# ${root} and its programs for zsh: a file ${name} in a folder of $fpath, or: source <(${root} --completion zsh)`,
    `${name}() {`,
    "  local program=$service",
    `  if [[ $program == ${root} ]]; then`,
    "    local -a verbs=(",
    ...verbs,
    "    )",
    "    if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then",
    `      (( CURRENT == 2 )) && compadd ${LL_WORDS.join(" ")}`,
    "      _describe program verbs",
    "      return",
    "    fi",
    `    [[ $words[2] == --completion ]] && { compadd ${SHELLS.join(" ")}; return; }`,
    `    program=${root}-$words[2]`,
    "    shift words",
    "    (( CURRENT-- ))",
    "  fi",
    "  case $program in",
    ...cases,
    "  esac",
    "}",
    `if [[ $funcstack[1] == ${name} ]]; then ${name} "$@"; else compdef ${name} ${all}; fi`,
    "",
  ].join("\n");
}

function zshRow({ names, value, placeholder, help, choices, words }: CompletedOption): string {
  const withWords = words === undefined ? [] : words.map((word) => `'${names[0]}=${word}[${zshEscaped(help)}]'`);
  const spelled = names.map((name) => (value !== "flag" && name.startsWith("--") ? `${name}=` : name)); // VALUE behind a space, or =
  const heads = names.length === 1 ? `'${spelled[0]}` : `'(${names.join(" ")})'{${spelled.join(",")}}'`;
  const offered = `(${choices?.join(" ")})`;
  const files = choices === undefined ? "_files" : `{ _files; compadd ${choices.join(" ")} }`;
  const action = value === "path" ? files : choices === undefined ? " " : offered;
  const argument = value === "flag" ? "" : `:${zshEscaped(placeholder ?? value)}:${action}`;
  return [`${heads}[${zshEscaped(help)}]${argument}'`, ...withWords].join(" ");
}

function zshEscaped(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
}

function fishScript(programs: readonly CompletedProgram[], root: string): string {
  const rowsOf = ({ verb, options, words }: CompletedProgram): string[] => {
    const rows = options.map(fishRow);
    if (words.length > 0) rows.push(`-a ${fishQuoted(words.join(" "))}`);
    // as a program, and as a verb
    const heads = [`complete -c ${root}-${verb}`, `complete -c ${root} -n '__fish_seen_subcommand_from ${verb}'`];
    return heads.flatMap((head) => rows.map((row) => `${head} ${row}`));
  };
  const verbs = programs.map(
    ({ verb, summary }) => `complete -c ${root} -n __fish_use_subcommand -f -a ${verb} -d ${fishQuoted(summary)}`,
  );
  return [
    `# ${root} and its programs for fish: ${root} --completion fish | source`,
    ...verbs,
    `complete -c ${root} -n __fish_use_subcommand -f -a '${LL_WORDS.join(" ")}'`,
    `complete -c ${root} -n '__fish_seen_subcommand_from help' -f -a '${programs.map(({ verb }) => verb).join(" ")}'`,
    ...programs.flatMap(rowsOf),
    "",
  ].join("\n");
}

function fishRow({ names, value, help, choices, words }: CompletedOption): string {
  const spelled = names.map((name) => {
    if (name.startsWith("--")) return `-l ${name.slice(2)}`;
    return name.length === 2 ? `-s ${name.slice(1)}` : `-o ${name.slice(1)}`;
  });
  const argument = value === "flag" ? [] : [value === "path" ? "-r -F" : "-x"];
  const offered = choices ?? words;
  const values = offered === undefined ? [] : [`-a ${fishQuoted(offered.join(" "))}`];
  return [...spelled, ...argument, ...values, "-d", fishQuoted(help)].join(" ");
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

/** Programs with the same options under one head: those that take the options of ll-main. */
function together(
  programs: readonly CompletedProgram[],
  root: string,
): { names: string[]; options: readonly CompletedOption[]; words: readonly string[] }[] {
  const groups = new Map<string, { names: string[]; options: readonly CompletedOption[]; words: readonly string[] }>();
  for (const { verb, options, words } of programs) {
    const key = JSON.stringify([options.map(({ names, help }) => [names, help]), words]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [`${root}-${verb}`], options, words });
    else group.names.push(`${root}-${verb}`);
  }
  return [...groups.values()];
}

/** `_ll_batch` for `ll-batch`. */
function functionOf(root: string): string {
  return `_${root.replaceAll("-", "_")}`;
}
