// ll-imatrix: on a text, how much the inputs weigh that meet each column of a model's matrices; ll-quantize --imatrix heeds it.

import { basename } from "node:path";
import { printable } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import { type ImportanceInput, importanceFileBytes, type MeasuredInputs, writeImportance } from "@ll/convert";
import { type Model, measureInputs } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import type { Command, Io } from "../../command.ts";
import { Refusal } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import type { LoadedModel } from "../../inference/model-loading.ts";
import { loadQuietly } from "../../inference/model-loading.ts";
import { defaultParams, kvTypes } from "../../inference/params.ts";
import { kernelName } from "../../kernel-tier.ts";
import { encodeText } from "../../long-text.ts";
import { type Program, readCommandLine, usageError } from "../../program.ts";
import { createProgress } from "../../progress.ts";
import { quietly } from "../../quiet.ts";
import { pathLine } from "../../terminal.ts";
import { readTextFile, withoutFinalNewline } from "../../text-input.ts";
import { fingerprintText } from "../../units.ts";
import { type NotingIo, notingIo, writeReport } from "../file-report.ts";
import { DEFAULT_OUT_FILE, IMATRIX_OPTIONS, type ImatrixParams } from "./options.ts";

/** Smallest context that a model is given. */
const MIN_CONTEXT_TOKENS = 8;

const PROGRAM: Program<ImatrixParams> = {
  examples: ["model-f16.gguf calibration.txt", "-m hf:OWNER/REPO:Q8_0 -f calibration.txt -o imatrix.gguf --chunks 100"],
  usage: "[options] [MODEL [FILE]]",
  description: [
    "Evaluates the text FILE in chunks of --ctx-size tokens and writes, for each column of each matrix, how much its inputs weigh: the file",
    "that ll-quantize --imatrix reads. It is the same with any number of threads. Experts are counted by the tokens that were sent to them.",
  ].join(" "),
  options: IMATRIX_OPTIONS,
  arguments: ["--model", "--file"],
};

export const imatrixCommand: Command = async (bin, argv, io) => {
  const params: ImatrixParams = {
    ...defaultParams(),
    textFile: "",
    outFile: DEFAULT_OUT_FILE,
    noClobber: false,
    progress: true,
    sumInputs: true,
  };
  const commandLine = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (commandLine === undefined) return ExitCode.ok;
  const [unknown] = commandLine.extra;
  if (unknown !== undefined) throw usageError(PROGRAM, bin, `unexpected argument '${printable(unknown, 256)}'`);
  if (params.textFile === "") throw usageError(PROGRAM, bin, "no text given: name one behind -f");
  params.kernels = kernelName(io.env);
  if (params.contextTokens !== 0) params.contextTokens = Math.max(MIN_CONTEXT_TOKENS, params.contextTokens);
  const work = (heard: Io): Promise<void> => measure(params, notingIo(heard));
  await (params.quiet ? quietly(io, work) : work(io));
  return ExitCode.ok;
};

async function measure(params: ImatrixParams, io: NotingIo): Promise<void> {
  for (const notice of params.notices) io.warn(notice);
  const text = withoutFinalNewline(await readTextFile(params.textFile, io.err));
  const loaded = await loadQuietly(params, io, false);
  try {
    for (const warning of loaded.warnings) io.warn(`warning: ${printable(warning, 512)}`);
    await writeMeasured(params, text, loaded, io);
  } finally {
    await loaded.model.dispose();
  }
}

async function writeMeasured(
  params: ImatrixParams,
  text: Uint8Array,
  { model, tokenizer, threads, kernels, paths }: LoadedModel,
  io: NotingIo,
): Promise<void> {
  const started = performance.now();
  const { contextTokens: chunkTokens, maxChunks, textFile, outFile, lora, loraBase, noClobber } = params;
  const tokens = await encodeText(tokenizer, text, { bos: tokenizer.addBos });
  const nChunks = chunksOf(tokens.length, params);
  io.err.write(`${nChunks} chunks of ${chunkTokens} tokens from ${printable(textFile, 4096)}\n`);
  // before anything is measured, which takes long
  const describe = (entries: ImportanceInput["entries"]): ImportanceInput => {
    return { entries, datasets: [basename(textFile)], nChunks, chunkTokens };
  };
  const expectedBytes = importanceFileBytes(describe((await model.inputSums?.()) ?? new Map()));
  const inputs = [...paths, textFile, lora ?? "-", loraBase ?? "-"].filter((path) => path !== "-");
  const out = await createOutFile(outFile, { inputs, expectedBytes, noClobber });
  for (const stale of out.removedStale) io.err.write(`removed the unfinished ${printable(stale, 4096)}\n`);
  const progress = createProgress(io, { total: nChunks, enabled: params.progress && !params.quiet });
  progress.update(0, `0 of ${nChunks} chunks`);
  let entries: ReadonlyMap<string, MeasuredInputs>;
  try {
    entries = await measureInputs(model, tokens, {
      chunkTokens,
      maxChunks: maxChunks < 0 ? undefined : maxChunks,
      bos: bosOf(tokenizer),
      batchTokens: Math.min(params.batchTokens, chunkTokens),
      kvType: kvTypes(params),
      onEvent: ({ done, total }) => progress.update(done, `${done} of ${total} chunks`),
    });
    await writeImportance(describe(entries), out);
    await out.commit();
  } finally {
    progress.finish();
    await out.abort(); // harmless after the commit
  }
  warnOfUnseen(entries, io);
  if (!params.json) return void io.out.write(pathLine(io.out, outFile));
  writeReport(io, {
    ...{ model: params.model, text: textFile, file: outFile, bytes: expectedBytes },
    ...about(model),
    ...{ threads, kernels, chunks: nChunks, chunkTokens },
    entries: [...entries].map(([name, { counts, squares }]) => {
      const experts = counts.length;
      return { name, columns: squares.length / experts, ...(experts > 1 && { experts }), tokens: Array.from(counts) };
    }),
    elapsedMs: performance.now() - started,
  });
}

/** @throws Refusal for a text that fills no chunk */
function chunksOf(nTokens: number, { contextTokens, maxChunks }: ImatrixParams): number {
  const available = Math.floor(nTokens / contextTokens);
  if (available > 0) return maxChunks < 0 ? available : Math.min(maxChunks, available);
  throw new Refusal(
    `a chunk takes ${contextTokens} tokens and the text has ${nTokens}`,
    "give a longer text behind -f, or smaller chunks behind -c",
  );
}

/** What stands in place of the first token of every chunk, as in ll-perplexity. */
function bosOf({ addBos, special }: Tokenizer): number | undefined {
  return addBos ? (special.bos ?? 0) : undefined;
}

function about({ fingerprint, arithmetic }: Model): { fingerprint: string | undefined; arithmetic: string } {
  return { fingerprint: fingerprint === undefined ? undefined : fingerprintText(fingerprint), arithmetic };
}

/** Of experts that met no token nothing is known. */
function warnOfUnseen(entries: ReadonlyMap<string, MeasuredInputs>, io: NotingIo): void {
  let nMatrices = 0;
  const unseen = [...entries].filter(([, { counts }]) => {
    const zeros = Array.from(counts).filter((count) => count === 0).length;
    nMatrices += zeros;
    return zeros > 0;
  });
  if (nMatrices === 0) return;
  io.warn(
    `warning: ${nMatrices} matrices of experts in ${unseen.length} tensors met no token; all of their columns count alike: a longer text would tell more`,
  );
}
