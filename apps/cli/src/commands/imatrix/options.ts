// The options of ll-imatrix: those of ll-main that change how a model computes, the text, and the file to write.

import { MODEL_OPTIONS } from "../../inference/options/model.ts";
import type { RunParams } from "../../inference/params.ts";
import { flagRow, jsonRow, silentRow, valueRow } from "../../option-rows.ts";
import { invalidParameter, type OptionSpec } from "../../option-table.ts";

export interface ImatrixParams extends RunParams {
  /** Path of the text; `-` is standard input. */
  textFile: string;
  outFile: string;
  noClobber: boolean;
  progress: boolean;
}

/** As in llama.cpp. */
export const DEFAULT_OUT_FILE = "imatrix.gguf";

export const IMATRIX_OPTIONS: readonly OptionSpec<ImatrixParams>[] = [
  ...MODEL_OPTIONS,
  valueRow(
    "Text",
    ["--file", "-f"],
    "path",
    { placeholder: "FILE", help: "the text to measure with; - reads standard input" },
    (params, { text }) => {
      params.textFile = text;
    },
  ),
  valueRow(
    "Text",
    ["--chunks"],
    "int",
    { placeholder: "N", help: "at most N chunks of --ctx-size tokens; negative for all", default: "-1" },
    (params, { number, option }) => {
      if (number === 0) throw invalidParameter(option, "expected at least 1, or a negative number for all, got 0");
      params.maxChunks = number;
    },
  ),
  valueRow(
    "Output",
    ["--outfile", "-o", "--output", "--output-file"],
    "path",
    { placeholder: "PATH", help: "the file to write", default: DEFAULT_OUT_FILE },
    (params, { text }) => {
      params.outFile = text;
    },
  ),
  flagRow("Output", ["--no-clobber"], "refuse to replace an existing file", (params) => {
    params.noClobber = true;
  }),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
  silentRow("only the path of the file that is written"),
  jsonRow("one JSON object about the file that is written"),
];
