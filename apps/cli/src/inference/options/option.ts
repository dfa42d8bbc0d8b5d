// How the rows of the option tables are written down.

import type { OptionSpec, ValueKind } from "../../option-table.ts";
import type { RunParams } from "../params.ts";

export type RunOption = OptionSpec<RunParams>;

type Names = readonly [string, ...string[]];

/** What an option with a value shows in help. */
interface Shown {
  readonly placeholder: string;
  readonly help: string;
  /** Absent where there is no default to speak of. */
  readonly default?: string;
}

export function option(group: string, names: Names, value: ValueKind, shown: Shown, set: RunOption["set"]): RunOption {
  const { placeholder, help } = shown;
  const shownDefault = shown.default === undefined ? {} : { shownDefault: shown.default };
  return { group, names, value, placeholder, help, set, ...shownDefault };
}

export function flag(group: string, names: Names, help: string, set: (params: RunParams) => void): RunOption {
  return { group, names, value: "flag", help, set };
}

/** Group of the options that mean nothing here. */
export const IGNORED_GROUP = "Accepted and without effect";

/** An option that means nothing here: accepted, with one clear line. */
export function ignored(names: Names, value: ValueKind, why: string): RunOption {
  return {
    group: IGNORED_GROUP,
    names,
    value,
    ...(value === "flag" ? {} : { placeholder: "N" }),
    help: why,
    set: (params, { option }) => {
      params.notices.push(`warning: ${option} has no effect here: ${why}`);
    },
  };
}
