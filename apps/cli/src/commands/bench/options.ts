// The options of ll-bench: those of ll-main that change how a model computes, and what is to be measured.

import { MAX_THREADS, MODEL_OPTIONS } from "../../inference/options/model.ts";
import type { RunParams } from "../../inference/params.ts";
import { flagRow, jsonRow, noTruncateRow, quietRow, valueRow } from "../../option-rows.ts";
import { invalidParameter, type OptionSpec, type OptionValue } from "../../option-table.ts";

export interface BenchParams extends RunParams {
  promptSizes: readonly number[];
  decodeTokens: readonly number[];
  repetitions: number;
  threadCounts: readonly number[];
  truncate: boolean;
  progress: boolean;
}

/** Largest number in a list: the largest context that a session file can describe is far beyond any memory. */
const MAX_COUNT = 1_000_000;

/** Options of ll-main that have another default here, another meaning, or none. */
const OTHER_HERE: readonly string[] = ["--model", "--ctx-size", "--threads"];

export const BENCH_OPTIONS: readonly OptionSpec<BenchParams>[] = [
  valueRow(
    "Model",
    ["--model", "-m"],
    "path",
    { placeholder: "FILE", help: "the same as MODEL" },
    (params, { text }) => {
      params.model = text;
    },
  ),
  ...MODEL_OPTIONS.filter(({ names }) => !OTHER_HERE.includes(names[0])),
  listRow(
    ["--n-prompt", "-p"],
    "prompt tokens to evaluate; 0 for no such test",
    "128,512",
    [0, MAX_COUNT],
    (params, list) => {
      params.promptSizes = list;
    },
  ),
  listRow(
    ["--n-gen", "-n"],
    "tokens to decode one by one; 0 for no such test",
    "32",
    [0, MAX_COUNT],
    (params, list) => {
      params.decodeTokens = list;
    },
  ),
  listRow(
    ["--threads", "-t"],
    "threads; the model is loaded once for each",
    "number of cores",
    [1, MAX_THREADS],
    (params, list) => {
      params.threadCounts = list;
    },
  ),
  valueRow(
    "Measurement",
    ["--repetitions", "-r"],
    "int",
    { placeholder: "N", help: "times that each test is run", default: "5" },
    (params, { number, option }) => {
      if (number < 1) throw invalidParameter(option, `expected at least 1, got ${number}`);
      params.repetitions = number;
    },
  ),
  jsonRow("one JSON object with every single time"),
  quietRow("only tokens per second, one number for each test"),
  noTruncateRow(),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

/** An option whose value is one number or several with commas between them. */
function listRow(
  names: OptionSpec<BenchParams>["names"],
  help: string,
  shownDefault: string,
  limits: readonly [least: number, most: number],
  set: (params: BenchParams, list: readonly number[]) => void,
): OptionSpec<BenchParams> {
  return valueRow("Measurement", names, "text", { placeholder: "N,…", help, default: shownDefault }, (params, value) =>
    set(params, numbers(value, limits)),
  );
}

function numbers({ text, option }: OptionValue, [least, most]: readonly [number, number]): number[] {
  return text.split(",").map((word) => {
    const number = Number(word);
    if (!/^\d+$/.test(word) || number < least || number > most) {
      throw invalidParameter(
        option,
        `expected numbers from ${least} to ${most}, with commas between them, got "${text}"`,
      );
    }
    return number;
  });
}
