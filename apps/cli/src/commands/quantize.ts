// ll-quantize: a model file to a smaller one. What it prints for a ggjt file is what the quantize program of build 803 of llama.cpp
// printed; for GGUF files see quantize-gguf.ts.

import { availableParallelism } from "node:os";
import { isFormatError, printable } from "@ll/bytes";
import { createOutFile, openFileSource } from "@ll/bytes/node";
import { type ModelEvent, type ModelTotals, quantizedBytes, quantizeModel, type TensorStep } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { containerAt } from "@ll/model/node";
import { QuantizationError } from "@ll/quant";
import type { Io } from "../command.ts";
import { ReportedError, UsageError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { kernelTier } from "../kernel-tier.ts";
import { modelPath } from "../model-path.ts";
import { fixed, integer } from "../printf.ts";
import { createProgress, type Progress } from "../progress.ts";
import { quietly } from "../quiet.ts";
import { NOWHERE, pathLine, type Terminal } from "../terminal.ts";
import { tableColumns } from "../text-table.ts";
import { lostText } from "./convert-lines.ts";
import { fileReport, type NotingIo, notingIo, writeReport } from "./file-report.ts";
import { assertForGgjt, defaultOutFile, type QuantizeArguments, readQuantizeArguments } from "./quantize-arguments.ts";
import { type QuantizedGguf, quantizeGgufFile } from "./quantize-gguf.ts";
import { usage } from "./quantize-help.ts";

const MIB = 1024 * 1024;

export async function quantizeCommand(bin: string, argv: readonly string[], io: Io): Promise<number> {
  const request = await readArguments(bin, argv, io);
  if (request === undefined) return ExitCode.ok;
  const { quiet, json } = request;
  let paths: readonly string[] = [];
  const work = async (heard: Io): Promise<void> => {
    paths = await quantize(request, notingIo(heard), quiet || json ? NOWHERE : io.out);
  };
  await (quiet ? quietly(io, work) : work(io));
  const showsPaths = quiet || request.isGguf; // build 803 did not show them
  if (showsPaths && !json) for (const path of paths) io.out.write(pathLine(io.out, path));
  return ExitCode.ok;
}

/** A request whose files are known. */
type Request = QuantizeArguments & { readonly isGguf: boolean; readonly outFile: string };

async function readArguments(bin: string, argv: readonly string[], io: Io): Promise<Request | undefined> {
  try {
    const request = await readQuantizeArguments(bin, argv, io);
    if (request === undefined) return undefined;
    const inFile = await modelPath(request.inFile, io, request.quiet);
    const isGguf = await isGgufFile(inFile);
    if (!isGguf) assertForGgjt(request);
    const beside = inFile === request.inFile ? inFile : ""; // nothing but what is downloaded goes to the cache folder
    const { outFile = defaultOutFile(beside, request.type, isGguf ? ".gguf" : ".bin") } = request;
    return { ...request, inFile, isGguf, outFile };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.err.write(`${printable(error.message, 512)}\n`);
    if (error.hint !== undefined) io.err.write(`${error.hint}\n`);
    // build 803 shows its usage for a wrong command line, not for a wrong word in a right one
    if (!error.message.startsWith("main: ")) {
      const { err, out } = usage(bin, tableColumns(io.err, io.env, { truncate: true }));
      io.err.write(err);
      // what asks for one object there gets nothing else
      (argv.includes("--json") ? io.err : io.out).write(out);
    }
    throw new ReportedError(error);
  }
}

/** False for what cannot be read: that is told when it is opened as a ggjt file. */
async function isGgufFile(path: string): Promise<boolean> {
  return (await containerAt(path).catch(() => undefined)) === "gguf";
}

/**
 * @param lines gets what build 803 put on standard output
 * @returns the paths of what was written
 */
async function quantize(request: Request, io: NotingIo, lines: Terminal): Promise<readonly string[]> {
  const { inFile, outFile, type, nThreads, isGguf } = request;
  const shownIn = printable(inFile, 4096);
  const shownOut = printable(outFile, 4096);
  if (!isGguf) io.err.write("main: build = 803 (1d656d636)\n");
  const threads = nThreads > 0 ? ` using ${nThreads} threads` : "";
  io.err.write(`main: quantizing '${shownIn}' to '${shownOut}' as ${type.name}${threads}\n`);
  const startMs = performance.now();
  let written: QuantizedGguf | undefined;
  try {
    if (isGguf) written = await quantizeGgufFile(request, io);
    else await writeQuantized(request, io, lines);
  } catch (error) {
    const { text, notice } = inToolWords(error);
    for (const line of notice) io.err.write(`${line}\n`);
    io.err.write(`llama_model_quantize: failed to quantize: ${text}\n`);
    io.err.write(`main: failed to quantize model from '${shownIn}'\n`);
    if (isFormatError(error, "E_REQUANTIZE")) {
      io.err.write(
        "take the f16 or f32 file that it was made from, or add --allow-requantize: quality is lost twice then\n",
      );
    }
    if (isFormatError(error, "E_IMPORTANCE")) {
      io.err.write("add --imatrix FILE, a file of importance that llama-imatrix makes, or take another TYPE\n");
    }
    throw new ReportedError(error);
  }
  const elapsedMs = performance.now() - startMs;
  if (!isGguf) {
    lines.write(`\nmain: quantize time = ${fixed(elapsedMs, 8, 2)} ms\n`);
    lines.write(`main:    total time = ${fixed(elapsedMs, 8, 2)} ms\n`);
  }
  if (request.json) {
    const report = written === undefined ? await fileReport(outFile) : await ggufReport(written);
    writeReport(io, { input: inFile, type: type.name, ...report, elapsedMs });
  }
  return written?.paths ?? [outFile];
}

/** Of one file what ll-inspect says; of a set, or of a dry run, what was planned. */
async function ggufReport({ plan, paths }: QuantizedGguf): Promise<Record<string, unknown>> {
  const [path] = paths;
  if (path !== undefined && paths.length === 1) return fileReport(path);
  return {
    files: plan.files.map(({ byteLength }, index) => ({ file: paths[index], bytes: byteLength })),
    tensors: plan.tensors.map(({ name, shape, fromType, toType, bytesOut }) => ({
      ...{ name, shape, fromType, type: toType, bytes: bytesOut },
    })),
  };
}

async function writeQuantized(request: Request, io: NotingIo, lines: Terminal): Promise<void> {
  const target = { ftype: request.type.id, ...request };
  const maxTier = kernelTier(io.env);
  const source = await openFileSource(request.inFile);
  try {
    io.err.write(`llama.cpp: loading model from ${printable(request.inFile, 4096)}\n`);
    const file = await openGgml(source);
    for (const warning of file.warnings) io.warn(`warning: ${printable(warning, 512)}`);
    if (!file.container.hasScores) {
      io.warn("llama.cpp: WARNING: input is an old file that doesn't have scores; will add dummy scores");
    }
    const expectedBytes = quantizedBytes(file, target);
    const out = await createOutFile(request.outFile, {
      inputs: [request.inFile],
      expectedBytes,
      noClobber: request.noClobber,
    });
    for (const path of out.removedStale) io.err.write(`removed the unfinished ${printable(path, 4096)}\n`);
    io.err.write(`llama.cpp: saving model to ${printable(request.outFile, 4096)}\n`);
    const progress = createProgress(io, {
      total: expectedBytes,
      enabled: request.progress && !request.quiet && !lines.isTty,
    });
    try {
      const threads = request.nThreads > 0 ? request.nThreads : availableParallelism();
      await quantizeModel(file, out, { ...target, threads, maxTier, onEvent: printer(lines, io, progress) });
      await source.assertUnchanged();
      await out.commit();
    } finally {
      progress.finish();
      await out.abort(); // harmless after the commit
    }
  } finally {
    await source.close();
  }
}

/** Prints the events in build 803's lines, and a progress line where those lines are not seen. */
function printer(lines: Terminal, io: NotingIo, progress: Progress): (event: ModelEvent) => void {
  let doneBytes = 0;
  return (event) => {
    switch (event.kind) {
      case "tensor-start":
        lines.write(startOfLine(event));
        progress.update(doneBytes, progressLabel(event));
        break;
      case "tensor-done":
        doneBytes += event.bytesOut;
        lines.write(endOfLine(event, event.histogram));
        if (event.lost !== undefined) io.warn(`warning: ${lostText(event.name, event.lost)}`);
        break;
      case "totals":
        lines.write(totalLines(event));
    }
  };
}

function startOfLine(step: TensorStep): string {
  const position = `[${integer(step.index + 1, 4)}/${integer(step.total, 4)}]`;
  const shape = [...step.shape]
    .reverse()
    .map((size) => integer(size, 5))
    .join(" x ");
  const line = `${position} ${step.name.padStart(36)} - ${shape.padStart(16)}, type = ${step.fromType.padStart(6)}, `;
  return step.isCopied ? line : `${line}quantizing .. `;
}

function endOfLine(step: TensorStep, histogram: Float64Array): string {
  if (step.isCopied) return `size = ${fixed(step.bytesIn / MIB, 8, 3)} MB\n`;
  const sizes = `size = ${fixed(step.bytesIn / MIB, 8, 2)} MB -> ${fixed(step.bytesOut / MIB, 8, 2)} MB`;
  const nValues = step.shape.reduce((product, size) => product * size, 1);
  return `${sizes} | hist: ${histogramText(histogram, nValues)}\n`;
}

function totalLines({ bytesIn, bytesOut, histogram }: ModelTotals): string {
  const start = "llama_model_quantize_internal: ";
  const sizes = `${start}model size  = ${fixed(bytesIn / MIB, 8, 2)} MB\n${start}quant size  = ${fixed(bytesOut / MIB, 8, 2)} MB\n`;
  const count = sum(histogram);
  return count === 0 ? sizes : `${sizes}${start}hist: ${histogramText(histogram, count)}\n`;
}

/** The share of each bin, or nothing if nothing was counted. Build 803 divides in binary32. */
function histogramText(histogram: Float64Array, nValues: number): string {
  if (sum(histogram) === 0) return "";
  const share = (count: number): number => Math.fround(Math.fround(count) / Math.fround(nValues));
  return Array.from(histogram, (count) => `${fixed(share(count), 5, 3)} `).join("");
}

function sum(histogram: Float64Array): number {
  return histogram.reduce((total, count) => total + count, 0);
}

/** `[ 37/291] layers.4.attention.wq.weight 4096×4096 f16 → q4_0  32.0 → 9.0 MiB` */
function progressLabel(step: TensorStep): string {
  const position = `[${integer(step.index + 1, String(step.total).length)}/${step.total}]`;
  const types = step.isCopied ? step.fromType : `${step.fromType} → ${step.toType}`;
  const sizes = [step.bytesIn, step.bytesOut].map((bytes) => (bytes / MIB).toFixed(1)).join(" → ");
  return `${position} ${step.name} ${step.shape.join("×")} ${types}  ${sizes} MiB`;
}

/** An error as build 803's program puts it: its text, and lines that come before it. */
function inToolWords(error: unknown): { text: string; notice: readonly string[] } {
  if (error instanceof QuantizationError) return { text: error.toolText, notice: error.notice };
  return { text: printable(error instanceof Error ? error.message : String(error), 512), notice: [] };
}
