// ll-tokenize: the ids of a text.

import type { Tokenizer } from "@ll/tokenizer";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit-codes.ts";
import { flagRow, valueRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import { readTextFile } from "../text-input.ts";
import { openTokenizer } from "../tokenizer-input.ts";
import { idLines, pieceJson } from "./token-lines.ts";

interface TokenizeParams {
  file: string | undefined;
  bos: boolean;
  sentencePiece: boolean;
  pieces: boolean;
  json: boolean;
}

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

export const TOKENIZE_OPTIONS: readonly OptionSpec<TokenizeParams>[] = [
  valueRow(
    "Text",
    ["--file", "-f"],
    "path",
    { placeholder: "FILE", help: "take the text from a file; - is standard input" },
    (params, { text }) => {
      params.file = text;
    },
  ),
  flagRow("Text", ["--bos"], "put the beginning-of-text id in front", (params) => {
    params.bos = true;
  }),
  flagRow(
    "Text",
    ["--sentencepiece"],
    "do as SentencePiece does: with a space in front, and the options of tokenizer.model",
    (params) => {
      params.sentencePiece = true;
    },
  ),
  flagRow("Output", ["--pieces"], "one line for each id, with its text", (params) => {
    params.pieces = true;
  }),
  flagRow("Output", ["--json"], "one JSON object with ids and texts", (params) => {
    params.json = true;
  }),
];

const PROGRAM: Program<TokenizeParams> = {
  examples: ['ggml-model-q4_0.bin --bos " Once upon a time"', "tokenizer.model --sentencepiece --pieces -f story.txt"],
  usage: "[options] MODEL [TEXT]",
  description: [
    "Prints the ids of TEXT, of a file, or of standard input, separated by spaces. MODEL is a model file or a",
    "tokenizer.model. Not a byte is added or removed: ll-main puts a space in front of its prompt and drops the last",
    "newline of a file, this program does neither.",
  ].join("\n"),
  options: TOKENIZE_OPTIONS,
};

export const tokenizeCommand: Command = async (bin, argv, io) => {
  const params: TokenizeParams = { file: undefined, bos: false, sentencePiece: false, pieces: false, json: false };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  const [model, text, ...more] = positionals;
  if (model === undefined) throw usageError(PROGRAM, bin, "no model given");
  if (more.length > 0) throw usageError(PROGRAM, bin, "more than one text: put it in quotes");
  if (text !== undefined && params.file !== undefined) throw usageError(PROGRAM, bin, "both a text and --file given");
  const tokenizer = await openTokenizer(model);
  const ids = tokenizer.encode(text ?? (await readTextFile(params.file ?? "-")), {
    bos: params.bos,
    mode: params.sentencePiece ? "sentencepiece" : "build803",
  });
  io.out.write(output(params, tokenizer, ids));
  return ExitCode.ok;
};

function output(params: TokenizeParams, tokenizer: Tokenizer, ids: Int32Array): string {
  if (params.pieces) return idLines(tokenizer, ids);
  if (!params.json) return `${ids.join(" ")}\n`;
  const pieces = Array.from(ids, (id) => pieceJson(tokenizer.tokenBytes(id)));
  return `${JSON.stringify({ version: JSON_VERSION, ids: [...ids], pieces })}\n`;
}
