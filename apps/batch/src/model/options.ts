// Options that choose a model and how it computes, of all commands that have one.

import { flagRow, invalidParameter, type OptionSpec, valueRow } from "@ll/cli/frame";
import { KV_TYPES } from "@ll/llama";

export interface ModelParams {
  model: string;
  contextTokens: number | undefined;
  threads: number | undefined;
  /** Sequences that run at the same time. */
  parallel: number;
  arithmetic: "build803" | "lanes" | undefined;
  kvType: (typeof KV_TYPES)[number];
  template: string | undefined;
  /** What templates take for today. */
  date: string;
}

/** The date that the template of Llama 3 itself falls back on. */
const DEFAULT_DATE = "2024-07-26";
const DEFAULT_PARALLEL = 4;
const MOST_PARALLEL = 256;
const MOST_THREADS = 512;
const ARITHMETICS = ["build803", "lanes"] as const;

export function defaultModelParams(): ModelParams {
  return {
    ...{ model: "", contextTokens: undefined, threads: undefined, parallel: DEFAULT_PARALLEL },
    ...{ arithmetic: undefined, kvType: "f16", template: undefined, date: DEFAULT_DATE },
  };
}

export function integerIn(
  { number, option, text }: Parameters<OptionSpec<unknown>["set"]>[1],
  low: number,
  high: number,
): number {
  if (number >= low && number <= high) return number;
  throw invalidParameter(option, `expected ${low} to ${high}, got ${text}`);
}

export function modelOptions<P extends ModelParams>(): readonly OptionSpec<P>[] {
  const GROUP = "Model";
  return [
    valueRow<P>(
      GROUP,
      ["--model", "-m"],
      "path",
      { placeholder: "MODEL", help: "model file, or a name such as hf:OWNER/REPO" },
      (p, { text }) => {
        p.model = text;
      },
    ),
    valueRow<P>(
      GROUP,
      ["--ctx-size", "-c"],
      "int",
      { placeholder: "N", help: "positions of a context", default: "the model's own, up to 4096" },
      (p, value) => {
        p.contextTokens = integerIn(value, 8, 2 ** 31 - 1);
      },
    ),
    valueRow<P>(
      GROUP,
      ["--threads", "-t"],
      "int",
      { placeholder: "N", help: "threads", default: "as many as help" },
      (p, value) => {
        p.threads = integerIn(value, 1, MOST_THREADS);
      },
    ),
    valueRow<P>(
      GROUP,
      ["--parallel", "-np"],
      "int",
      { placeholder: "N", help: "lines that are worked on at the same time", default: String(DEFAULT_PARALLEL) },
      (p, value) => {
        p.parallel = integerIn(value, 1, MOST_PARALLEL);
      },
    ),
    valueRow<P>(
      GROUP,
      ["--arithmetic"],
      "text",
      { placeholder: "NAME", help: "how numbers are rounded", default: "the file's own", choices: ARITHMETICS },
      (p, { text, option }) => {
        p.arithmetic = ARITHMETICS.find((name) => name === text);
        if (p.arithmetic === undefined)
          throw invalidParameter(option, `expected ${ARITHMETICS.join(" or ")}, got ${text}`);
      },
    ),
    valueRow<P>(
      GROUP,
      ["--cache-type"],
      "text",
      { placeholder: "TYPE", help: "type in which keys and values are kept", default: "f16", choices: KV_TYPES },
      (p, { text, option }) => {
        const type = KV_TYPES.find((name) => name === text);
        if (type === undefined) throw invalidParameter(option, `expected ${KV_TYPES.join(", ")}, got ${text}`);
        p.kvType = type;
      },
    ),
    flagRow<P>(GROUP, ["--memory-f32"], "the same as --cache-type f32", (p) => {
      p.kvType = "f32";
    }),
    valueRow<P>(
      GROUP,
      ["--template"],
      "text",
      { placeholder: "NAME", help: "chat template by its name", default: "that of the file, else plain" },
      (p, { text }) => {
        p.template = text;
      },
    ),
    valueRow<P>(
      GROUP,
      ["--date"],
      "text",
      { placeholder: "DATE", help: "what chat templates take for today, as in 2026-08-31", default: DEFAULT_DATE },
      (p, { text, option }) => {
        const isDate = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
        if (!isDate) throw invalidParameter(option, `expected a date such as ${DEFAULT_DATE}, got ${text}`);
        p.date = text;
      },
    ),
  ];
}
