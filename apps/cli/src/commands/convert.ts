// ll-convert: a checkpoint to a ggjt or GGUF file, or one of these to the other. It says on standard error what convert.py of llama.cpp build 803 said, in its order;
// standard output gets the path of the file and nothing else.

import { dirname, join } from "node:path";
import { type ByteSink, isIoError, printable } from "@ll/bytes";
import { createOutFile } from "@ll/bytes/node";
import {
  type ConvertInput,
  convertCheckpoint,
  convertedBytes,
  type ModelEvent,
  matchVocabulary,
  type Vocabulary,
  vocabFileBytes,
  writeConversion,
  writeVocabFile,
} from "@ll/convert";
import type { Io } from "../command.ts";
import { Refusal } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { createProgress, type Progress } from "../progress.ts";
import { quietly } from "../quiet.ts";
import { pathLine } from "../terminal.ts";
import { type ConvertArguments, readConvertArguments } from "./convert-arguments.ts";
import { dump } from "./convert-dump.ts";
import { type PlannedGguf, planGgufFile, planHfDirectory } from "./convert-hf.ts";
import { type ConvertedModel, openCheckpointInput, openWholeFile } from "./convert-inputs.ts";
import { lostText, lostTokens, runOptions, tensorLine } from "./convert-lines.ts";
import { convertLora } from "./convert-lora.ts";
import { findVocabFile, readVocabulary } from "./convert-vocab.ts";
import { fileReport, type NotingIo, notingIo, writeReport } from "./file-report.ts";

/** Longest path in a message; longer than any that a system takes. */
const PATH_CHARS = 4200;

/** Read where they lie beside the model; like everything that is read, never written over. */
const CONFIG_FILES = [
  "config.json",
  "params.json",
  "added_tokens.json",
  "generation_config.json",
  "quantize_config.json",
  "tokenizer_config.json",
  "model.safetensors.index.json",
  "pytorch_model.bin.index.json",
];

export async function convertCommand(bin: string, argv: readonly string[], io: Io): Promise<number> {
  const request = await readConvertArguments(bin, argv, io);
  if (request === undefined) return ExitCode.ok;
  const work = (heard: Io): Promise<void> => convert(request, notingIo(heard));
  await (request.quiet ? quietly(io, work) : work(io));
  return ExitCode.ok;
}

async function convert(request: ConvertArguments, io: NotingIo): Promise<void> {
  if (request.mode === "vocab-only") await convertVocabulary(request, io);
  else if (request.lora !== undefined) await convertLora(request, request.lora, io);
  else if (request.mode === "convert") await convertModel(request, io);
  else await dump(request, io);
}

async function convertModel(request: ConvertArguments, io: NotingIo): Promise<void> {
  if (request.container === "gguf") {
    const planned = (await planGgufFile(request, io)) ?? (await planHfDirectory(request, io));
    if (planned !== undefined) return writePlanned(request, planned, io);
  }
  const model = (await openWholeFile(request, io)) ?? (await openCheckpointInput(request, io));
  try {
    await writeModel(request, model, io);
  } finally {
    await model.close();
  }
}

async function writeModel(request: ConvertArguments, model: ConvertedModel, io: NotingIo): Promise<void> {
  const { nVocab, nEmbd, nMult = "any", nHeads, nLayers } = model.params;
  const vocab = await vocabularyFor(request, model, io);
  io.err.write(`params: n_vocab:${nVocab} n_embd:${nEmbd} n_mult:${nMult} n_head:${nHeads} n_layer:${nLayers}\n`);
  const { container } = request;
  const params = { ...model.params, ...request.params };
  const input: ConvertInput = { ...model, params, ...vocab.match(), outType: model.outType(), container };
  const path = request.outFile ?? `${model.outStem()}.${container === "gguf" ? "gguf" : "bin"}`;
  const directory = dirname(model.files[0] as string);
  const inputs = [...model.files, ...vocab.files, ...CONFIG_FILES.map((name) => join(directory, name))];
  if (container === "gguf") warnOfName(path, io);
  await writeFile(request, path, inputs, convertedBytes(input), io, async (sink, progress) => {
    const { allowNonFinite } = request;
    await convertCheckpoint(input, sink, { allowNonFinite, onEvent: printer(io, progress) });
    await model.verify();
  });
  const options = container === "gguf" ? "" : runOptions(params);
  for (const line of lostTokens(model, nVocab, container === "gguf")) io.warn(line);
  if (options !== "") io.warn(`The file cannot say so: run this model with ${options}`);
  await printResult(request, path, io);
}

async function writePlanned(
  request: ConvertArguments,
  { source, conversion, outStem, inputs }: PlannedGguf,
  io: NotingIo,
): Promise<void> {
  try {
    const path = request.outFile ?? `${outStem}.gguf`;
    warnOfName(path, io);
    await writeFile(request, path, inputs, conversion.byteLength, io, async (sink, progress) => {
      const { allowNonFinite } = request;
      await writeConversion(conversion, sink, { allowNonFinite, onEvent: printer(io, progress) });
      await source.verify();
    });
    await printResult(request, path, io);
  } finally {
    await source.close();
  }
}

/** Other programs know files by their names. */
function warnOfName(path: string, io: NotingIo): void {
  if (/\.gguf$/i.test(path)) return;
  io.warn(`warning: ${printable(path, PATH_CHARS)} will be a GGUF file, whose name ends in .gguf by custom`);
}

/** The vocabulary of the model itself, or that of a file. `match` holds it against the model. */
async function vocabularyFor(
  request: ConvertArguments,
  { params, files, vocab, pieces, addSpacePrefix }: ConvertedModel,
  io: NotingIo,
): Promise<{ match(): ReturnType<typeof matchVocabulary>; files: readonly string[] }> {
  const note = (line: string): void => void io.err.write(`${line}\n`);
  if (vocab !== undefined && request.vocabDir === undefined) {
    const path = files[0] as string;
    const own = {
      entries: vocab,
      pieces,
      addSpacePrefix,
      nBase: vocab.length,
      path,
      directory: dirname(path),
      addedPath: undefined,
    };
    return { match: () => matchVocabulary(own, params.nVocab, note), files: [] };
  }
  const path = await findVocabFile(request.vocabDir ?? dirname(files[0] as string));
  note(`Loading vocab file ${printable(path, PATH_CHARS)}`);
  const vocabulary = await readVocabulary(path);
  return { match: () => matchVocabulary(vocabulary, params.nVocab, note), files: vocabularyFiles(vocabulary) };
}

async function convertVocabulary(request: ConvertArguments, io: NotingIo): Promise<void> {
  const vocabFile = await findVocabFile(request.vocabDir ?? request.model);
  io.err.write(`Loading vocab file ${printable(vocabFile, PATH_CHARS)}\n`);
  const vocabulary = await readVocabulary(vocabFile);
  const { entries: vocab, pieces, addSpacePrefix } = vocabulary;
  const input = { vocab, pieces, addSpacePrefix, container: request.container };
  const path = request.outFile as string; // the arguments have been checked for it
  await writeFile(request, path, vocabularyFiles(vocabulary), vocabFileBytes(input), io, (sink) =>
    writeVocabFile(input, sink),
  );
  await printResult(request, path, io);
}

function vocabularyFiles({ path, addedPath }: Vocabulary): string[] {
  return addedPath === undefined ? [path] : [path, addedPath];
}

/** Lets `work` write the file at `path`, which appears when it is complete. */
async function writeFile(
  request: ConvertArguments,
  path: string,
  inputs: readonly string[],
  expectedBytes: number,
  io: Io,
  work: (sink: ByteSink, progress: Progress) => Promise<void>,
): Promise<void> {
  const shown = printable(path, PATH_CHARS);
  const out = await createOutFile(path, { inputs, expectedBytes, noClobber: request.noClobber }).catch((error) => {
    if (request.outFile !== undefined || !isIoError(error, "E_SAME_FILE")) throw error;
    throw new Refusal(
      `Error: Default output path (${path}) would overwrite the input. Please explicitly specify a path using --outfile.`,
    );
  });
  for (const stale of out.removedStale) io.err.write(`removed the unfinished ${printable(stale, PATH_CHARS)}\n`);
  const progress = createProgress(io, { total: expectedBytes, enabled: request.progress && io.err.isTty });
  try {
    if (request.mode === "convert") io.err.write("Writing vocab...\n");
    await work(out, progress);
    await out.commit();
  } finally {
    progress.finish();
    await out.abort(); // harmless after the commit
  }
  io.err.write(`Wrote ${shown}\n`);
}

/** The path of the file, or what is in it. */
async function printResult({ json, model }: ConvertArguments, path: string, io: NotingIo): Promise<void> {
  if (json) writeReport(io, { input: model, ...(await fileReport(path)) });
  else io.out.write(pathLine(io.out, path));
}

/** One line per tensor, with the progress line below it. */
function printer(io: NotingIo, progress: Progress): (event: ModelEvent) => void {
  let doneBytes = 0;
  return (event) => {
    if (event.kind === "tensor-start") {
      progress.line(tensorLine(event));
      progress.update(doneBytes, `${event.index} of ${event.total} tensors`);
    }
    if (event.kind !== "tensor-done") return;
    doneBytes += event.bytesOut;
    if (event.lost === undefined) return;
    const warning = `warning: ${lostText(event.name, event.lost)}`;
    io.warnings.push(warning);
    progress.line(warning);
  };
}
