// ll-tokenize: the ids of a text.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Tokenizer } from "@ll/tokenizer";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { encodedPieces, encodeText } from "../long-text.ts";
import { modelPath } from "../model-path.ts";
import { flagRow, jsonRow, piecesRow, valueRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import type { Terminal } from "../terminal.ts";
import { readTextFile } from "../text-input.ts";
import { openTokenizer } from "../tokenizer-input.ts";
import { idLines, pieceJson } from "./token-lines.ts";
import { linesOf, parseRequest } from "./token-requests.ts";

interface TokenizeParams {
  file: string | undefined;
  bos: boolean;
  prompt: boolean;
  sentencePiece: boolean;
  special: boolean;
  ids: (typeof IDS)[number];
  pieces: boolean;
  json: boolean;
  jsonl: boolean;
}

/** Whose ids: the first is the default. */
const IDS = ["publisher", "llama.cpp"] as const;

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
    ["--as-prompt"],
    "begin as ll-main's prompt does: with the BOS and the space that the file asks for",
    (params) => {
      params.prompt = true;
    },
  ),
  flagRow(
    "Text",
    ["--sentencepiece"],
    "do as SentencePiece does: with a space in front, and the options of tokenizer.model",
    (params) => {
      params.sentencePiece = true;
    },
  ),
  flagRow("Text", ["--special"], "texts of control tokens, such as <|im_start|>, become their ids", (params) => {
    params.special = true;
  }),
  valueRow(
    "Text",
    ["--ids"],
    "text",
    {
      placeholder: "WHOSE",
      help: "of GGUF files, the ids of the model's publisher or those of llama.cpp, where they differ",
      choices: IDS,
      default: IDS[0],
    },
    (params, { text }) => {
      const known = IDS.find((name) => name === text);
      if (known === undefined) throw new UsageError(`--ids expects ${IDS.join(" or ")}, got '${text}'`);
      params.ids = known;
    },
  ),
  piecesRow(),
  jsonRow("one JSON object with ids and texts"),
  flagRow(
    "Output",
    ["--jsonl"],
    'for each line {"text" or "hex", "special", "bos"} of the input, a line {"ids"}, with the space in front that the file asks for',
    (params) => {
      params.jsonl = true;
    },
  ),
];

const PROGRAM: Program<TokenizeParams> = {
  examples: ['ggml-model-q4_0.bin --bos " Once upon a time"', "qwen3.gguf --jsonl -f texts.jsonl"],
  usage: "[options] MODEL [TEXT]",
  description: [
    "Prints the ids of TEXT, of a file, or of standard input, separated by spaces. MODEL is a model file, a",
    "tokenizer.model, tokenizer.json or tekken.json, or a directory with one. Not a byte is added or removed: ll-main puts a space in front of its prompt, as --as-prompt does here,",
    "and drops the last newline of a file.",
  ].join(" "),
  options: TOKENIZE_OPTIONS,
};

export const tokenizeCommand: Command = async (bin, argv, io) => {
  const params: TokenizeParams = {
    file: undefined,
    bos: false,
    prompt: false,
    sentencePiece: false,
    special: false,
    ids: IDS[0],
    pieces: false,
    json: false,
    jsonl: false,
  };
  const positionals = await readArguments(PROGRAM, bin, argv, params, io);
  if (positionals === undefined) return ExitCode.ok;
  const [model, text, ...more] = positionals;
  if (model === undefined) throw usageError(PROGRAM, bin, "no model given");
  if (more.length > 0) throw usageError(PROGRAM, bin, "more than one text: put it in quotes");
  if (text !== undefined && params.file !== undefined) throw usageError(PROGRAM, bin, "both a text and --file given");
  const other = params.jsonl ? notForLines(params, text) : undefined;
  if (other !== undefined) throw usageError(PROGRAM, bin, `--jsonl and ${other} exclude each other`);
  const tokenizer = await openTokenizer(await modelPath(model, io), { ids: params.ids }).catch(
    async (error: unknown) => {
      if (text === undefined || !(await isFile(text))) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(reason, "the model stands first, the text behind it: are they the wrong way round?");
    },
  );
  if (params.jsonl) {
    await answerLines(tokenizer, params, io.out);
    return ExitCode.ok;
  }
  const bytes = text ?? (await readTextFile(params.file ?? "-", io.err));
  const { bos, prompt, special } = params;
  const options = { bos, prompt, special, mode: params.sentencePiece ? "sentencepiece" : "build803" } as const;
  if (params.json) await writeJson(tokenizer, await encodeText(tokenizer, bytes, options), io.out);
  else {
    const lines = params.pieces ? (ids: Int32Array) => idLines(tokenizer, ids) : separated(" ");
    for await (const ids of encodedPieces(tokenizer, bytes, options)) {
      io.out.write(lines(ids));
      await io.out.drained();
    }
    if (!params.pieces) io.out.write("\n");
  }
  return ExitCode.ok;
};

/** An option that each line has for itself, or that asks for another output. */
function notForLines({ bos, prompt, special, pieces, json }: TokenizeParams, text?: string): string | undefined {
  const given = [
    [text !== undefined, "a text"],
    [bos, "--bos"],
    [prompt, "--as-prompt"],
    [special, "--special"],
    [pieces, "--pieces"],
    [json, "--json"],
  ] as const;
  return given.find(([isGiven]) => isGiven)?.[1];
}

/** Each answer is written before the next line is read. */
async function answerLines(
  tokenizer: Tokenizer,
  { file, sentencePiece }: TokenizeParams,
  out: Terminal,
): Promise<void> {
  const stream = file === undefined || file === "-" ? process.stdin : createReadStream(file);
  const mode = sentencePiece ? "sentencepiece" : "build803";
  let nLine = 0;
  for await (const line of linesOf(stream)) {
    nLine++;
    if (line.every((byte) => byte === 0x20 || byte === 0x0d)) continue;
    const { text, special, bos } = parseRequest(line, nLine);
    const ids = separated(",");
    out.write('{"ids":[');
    for await (const piece of encodedPieces(tokenizer, text, { special, bos, space: true, mode })) {
      out.write(ids(piece));
      await out.drained();
    }
    out.write("]}\n");
  }
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Ids per piece of the output. */
const OUTPUT_IDS = 64 * 1024;

/** `{"version":1,"ids":[…],"pieces":[…]}`, which may be longer than a string can be. */
async function writeJson(tokenizer: Tokenizer, ids: Int32Array, out: Terminal): Promise<void> {
  const list = async (name: string, shown: (part: Int32Array) => unknown[]): Promise<void> => {
    const text = separated(",");
    out.write(`,"${name}":[`);
    for (let first = 0; first < ids.length; first += OUTPUT_IDS) {
      out.write(text(shown(ids.subarray(first, first + OUTPUT_IDS)).map((item) => JSON.stringify(item))));
      await out.drained();
    }
    out.write("]");
  };
  out.write(`{"version":${JSON_VERSION}`);
  await list("ids", (part) => Array.from(part));
  await list("pieces", (part) => Array.from(part, (id) => pieceJson(tokenizer.tokenBytes(id))));
  out.write("}\n");
}

/** Joins what comes in several lists. */
function separated(separator: string): (items: { readonly length: number; join(separator: string): string }) => string {
  let isFirst = true;
  return (items) => {
    if (items.length === 0) return "";
    const text = `${isFirst ? "" : separator}${items.join(separator)}`;
    isFirst = false;
    return text;
  };
}
