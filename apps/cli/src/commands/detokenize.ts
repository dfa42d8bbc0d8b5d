// ll-detokenize: the text of ids.

import { setImmediate } from "node:timers/promises";
import { printable } from "@ll/bytes";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { modelPath } from "../model-path.ts";
import { jsonRow, piecesRow, valueRow } from "../option-rows.ts";
import type { OptionSpec } from "../option-table.ts";
import { type Program, readArguments, usageError } from "../program.ts";
import type { Terminal } from "../terminal.ts";
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
  piecesRow(),
  jsonRow("one JSON object with the text"),
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
  const tokenizer = await openTokenizer(await modelPath(model, io));
  const text =
    words.length > 0 ? words.join(" ") : new TextDecoder().decode(await readTextFile(params.file ?? "-", io.err));
  const ids = await parseIds(text, tokenizer.nVocab); // all of them, before anything is printed
  const bytesOf = (part: Int32Array): Buffer => Buffer.concat(Array.from(part, (id) => tokenizer.tokenBytes(id)));
  if (params.pieces) await writeParts(ids, io.out, (part) => idLines(tokenizer, part));
  else if (params.json) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const inner = (part: string): string => JSON.stringify(part).slice(1, -1);
    io.out.write(`{"version":${JSON_VERSION},"text":"`);
    await writeParts(ids, io.out, (part) => inner(decoder.decode(bytesOf(part), { stream: true })));
    io.out.write(`${inner(decoder.decode())}"}\n`);
  } else {
    await writeParts(ids, io.out, bytesOf);
    if (io.out.isTty) io.out.write("\n");
  }
  return ExitCode.ok;
};

/** Ids between two turns of the event loop. */
const BATCH_IDS = 64 * 1024;

/** @throws UsageError for what is no id of this vocabulary */
async function parseIds(text: string, nVocab: number): Promise<Int32Array> {
  const ids = new Int32Array(Math.ceil(text.length / 2)); // with something between two of them
  let length = 0;
  for (const [word] of text.matchAll(/[^\s,[\]]+/g)) {
    const id = Number(word);
    if (!/^\d+$/.test(word) || id >= nVocab) {
      const shown = printable(word, 80);
      throw new UsageError(`"${shown}" is no id`, `ids of this model are whole numbers from 0 to ${nVocab - 1}`);
    }
    ids[length++] = id;
    if (length % BATCH_IDS === 0) await setImmediate();
  }
  return ids.subarray(0, length);
}

async function writeParts(
  ids: Int32Array,
  out: Terminal,
  shown: (part: Int32Array) => string | Uint8Array,
): Promise<void> {
  for (let first = 0; first < ids.length; first += BATCH_IDS) {
    out.write(shown(ids.subarray(first, first + BATCH_IDS)));
    await out.drained();
  }
}
