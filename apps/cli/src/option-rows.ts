// Rows of option tables in one line each.

import type { OptionSpec, OptionValue, ValueKind } from "./option-table.ts";

/** What an option with a value shows in help. */
export interface Shown {
  readonly placeholder: string;
  readonly help: string;
  /** Absent where there is no default to speak of. */
  readonly default?: string;
}

/** An option with a value. */
export function valueRow<P>(
  group: string,
  names: OptionSpec<P>["names"],
  value: Exclude<ValueKind, "flag">,
  shown: Shown,
  set: (params: P, value: OptionValue) => void,
): OptionSpec<P> {
  const { placeholder, help } = shown;
  const shownDefault = shown.default === undefined ? {} : { shownDefault: shown.default };
  return { group, names, value, placeholder, help, set, ...shownDefault };
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
