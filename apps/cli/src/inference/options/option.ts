// What the rows of these tables set, and the row for an option that means nothing here.

import type { OptionSpec, ValueKind } from "../../option-table.ts";
import type { RunParams } from "../params.ts";

export type RunOption = OptionSpec<RunParams>;

/** Group of the options that mean nothing here. */
export const IGNORED_GROUP = "Accepted and without effect";

/** An option that means nothing here: accepted, with one clear line. */
export function ignoredRow(names: RunOption["names"], value: ValueKind, why: string): RunOption {
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
