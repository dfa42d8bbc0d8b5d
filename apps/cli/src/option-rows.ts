// Rows of option tables in one line each.

import type { OptionSpec, ValueKind } from "./option-table.ts";
import { COLOUR_MODES, type ColourMode } from "./terminal.ts";

/** What an option with a value shows in help. */
export interface Shown {
  readonly placeholder: string;
  readonly help: string;
  /** Absent where there is no default to speak of. */
  readonly default?: string;
  /** What the value may be; for a path, besides a file. */
  readonly choices?: readonly string[];
}

/** An option with a value. */
export function valueRow<P>(
  group: string,
  names: OptionSpec<P>["names"],
  value: Exclude<ValueKind, "flag">,
  shown: Shown,
  set: OptionSpec<P>["set"],
): OptionSpec<P> {
  const { placeholder, help, choices, default: shownDefault } = shown;
  return {
    ...{ group, names, value, placeholder, help, set },
    ...(shownDefault !== undefined && { shownDefault }),
    ...(choices !== undefined && { choices }),
  };
}

/** An option without a value. */
export function flagRow<P>(
  group: string,
  names: OptionSpec<P>["names"],
  help: string,
  set: (params: P) => void,
): OptionSpec<P> {
  return { group, names, value: "flag", help, set };
}

/** `--color`, alone or with `=WHEN`. */
export function colorRow<P extends { color: ColourMode }>(
  group: string,
  what: string,
  shownDefault: ColourMode,
): OptionSpec<P> {
  return {
    group,
    names: ["--color"],
    value: "flag",
    help: `${what}; =auto where a terminal shows colours, =never, or =always (--color alone)`,
    words: COLOUR_MODES,
    shownDefault,
    set: (params, { text }) => {
      params.color = COLOUR_MODES.find((mode) => mode === text) ?? "always";
    },
  };
}

/** `-q` that says what is left on standard output. */
export function quietRow<P extends { quiet: boolean }>(what: string): OptionSpec<P> {
  return { ...silentRow(what), isOutputMode: true };
}

/** `-q` of programs that take `--json` with it: it is about standard error, and about standard output only without `--json`. */
export function silentRow<P extends { quiet: boolean }>(what: string): OptionSpec<P> {
  return flagRow("Output", ["--quiet", "-q"], what, (params) => {
    params.quiet = true;
  });
}

/** `--pieces`, of the programs that print ids and texts. */
export function piecesRow<P extends { pieces: boolean }>(): OptionSpec<P> {
  const row = flagRow<P>("Output", ["--pieces"], "one line for each id, with its text", (params) => {
    params.pieces = true;
  });
  return { ...row, isOutputMode: true };
}

/** `--json`. */
export function jsonRow<P extends { json: boolean }>(what: string): OptionSpec<P> {
  const row = flagRow<P>("Output", ["--json"], what, (params) => {
    params.json = true;
  });
  return { ...row, isOutputMode: true };
}

/** `--no-truncate`, of the programs that print tables. */
export function noTruncateRow<P extends { truncate: boolean }>(): OptionSpec<P> {
  return flagRow("Output", ["--no-truncate"], "do not break the lines of tables where the terminal ends", (params) => {
    params.truncate = false;
  });
}
