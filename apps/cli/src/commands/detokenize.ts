// ll-detokenize: the text of ids.

import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { flagRow, valueRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import { readTextFile } from "../text-input.ts";
import { openTokenizer } from "../tokenizer-input.ts";
import { idLines } from "./token-lines.ts";

interface DetokenizeParams {
  file: string | undefined;
  pieces: boolean;
  json: boolean;
}

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

export const DETOKENIZE_OPTIONS: readonly OptionSpec<DetokenizeParams>[] = [
  valueRow(
    "Ids",
    ["--file", "-f"],
    "path",
    { placeholder: "FILE", help: "take the ids from a file; - is standard input" },
    (params, { text }) => {
      params.file = text;
    },
  ),
  flagRow("Output", ["--pieces"], "one line for each id, with its text", (params) => {
    params.pieces = true;
  }),
  flagRow("Output", ["--json"], "one JSON object with the text", (params) => {
    params.json = true;
  }),
];

const PROGRAM: Program<DetokenizeParams> = {
  examples: ["ggml-model-q4_0.bin 385 386 261 370", "tokenizer.model --json -f ids.txt"],
  usage: "[options] MODEL [ID…]",
  description: [
    "Prints the text of ids: arguments, or numbers in a file or on standard input, with spaces, commas or brackets",
    "between them. The text is printed byte for byte, with no newline behind it.",
  ].join(" "),
  options: DETOKENIZE_OPTIONS,
};

export const detokenizeCommand: Command = async (bin, argv, io) => {
  const params: DetokenizeParams = { file: undefined, pieces: false, json: false };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  const [model, ...words] = positionals;
  if (model === undefined) throw usageError(PROGRAM, bin, "no model given");
  if (words.length > 0 && params.file !== undefined) throw usageError(PROGRAM, bin, "both ids and --file given");
  const tokenizer = await openTokenizer(model);
  const text = words.length > 0 ? words.join(" ") : new TextDecoder().decode(await readTextFile(params.file ?? "-"));
  const ids = parseIds(text, tokenizer.nVocab);
  if (params.pieces) io.out.write(idLines(tokenizer, ids));
  else if (params.json) io.out.write(`${JSON.stringify({ version: JSON_VERSION, text: tokenizer.decode(ids) })}\n`);
  else {
    io.out.write(Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id))));
    if (io.out.isTty) io.out.write("\n");
  }
  return ExitCode.ok;
};

/** @throws UsageError for what is no id of this vocabulary */
function parseIds(text: string, nVocab: number): number[] {
  const words = text.split(/[\s,[\]]+/).filter((word) => word !== "");
  return words.map((word) => {
    const id = Number(word);
    if (!/^\d+$/.test(word) || id >= nVocab) {
      throw new UsageError(`"${word}" is no id`, `ids of this model are whole numbers from 0 to ${nVocab - 1}`);
    }
    return id;
  });
}
