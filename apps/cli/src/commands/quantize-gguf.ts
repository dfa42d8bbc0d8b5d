// ll-quantize with a GGUF file, or a set of them. Its lines are those of llama.cpp (August 2026), on standard error as there.

import { availableParallelism } from "node:os";
import { printable } from "@ll/bytes";
import { createOutFile, type FileSource, type OutFile, openFileSource } from "@ll/bytes/node";
import {
  chosenImportance,
  type GgufQuantization,
  type Importance,
  type ModelEvent,
  openImportance,
  planGguf,
  quantizeGguf,
  type TensorStep,
} from "@ll/convert";
import { openGgufPath } from "@ll/gguf/node";
import { kernelTier } from "../kernel-tier.ts";
import { fixed, integer } from "../printf.ts";
import { lostText } from "./convert-lines.ts";
import type { NotingIo } from "./file-report.ts";
import { COPY, type QuantizeArguments } from "./quantize-arguments.ts";

const MIB = 1024 * 1024;

/** A request whose OUT is known. */
export type GgufRequest = QuantizeArguments & { readonly outFile: string };

/** What was written, or would be. */
export interface QuantizedGguf {
  readonly plan: GgufQuantization;
  /** In order; none after a dry run. */
  readonly paths: readonly string[];
}

export async function quantizeGgufFile(request: GgufRequest, io: NotingIo): Promise<QuantizedGguf> {
  const { inFile, type, imatrix } = request;
  io.err.write(`loading model from ${printable(inFile, 4096)}\n`);
  const file = await openGgufPath(inFile);
  let weights: FileSource | undefined;
  try {
    weights = imatrix === undefined ? undefined : await openFileSource(imatrix);
    for (const warning of file.warnings) io.warn(`warning: ${printable(warning, 512)}`);
    const importance = weights && (await importanceOf(weights, request, io));
    const plan = await planGguf(file, {
      ...request,
      ftype: type === COPY ? undefined : type.id,
      importance,
      importanceName: imatrix,
    });
    if (request.isDryRun) {
      const total = plan.tensors.length;
      for (const [index, step] of plan.tensors.entries()) io.err.write(tensorLine({ ...step, index, total }));
      io.err.write(totalLines(plan));
      return { plan, paths: [] };
    }
    const paths = outPaths(request.outFile, plan.files.length);
    const inputs = [...file.paths, ...(imatrix === undefined ? [] : [imatrix])];
    await writeFiles(plan, paths, inputs, request, io, async () => {
      await file.assertUnchanged();
      await weights?.assertUnchanged();
    });
    io.err.write(totalLines(plan));
    return { plan, paths };
  } finally {
    await weights?.close();
    await file.close();
  }
}

async function importanceOf(
  source: Parameters<typeof openImportance>[0],
  { includedWeights, excludedWeights }: GgufRequest,
  io: NotingIo,
): Promise<Importance> {
  const importance = await openImportance(source);
  const chosen = chosenImportance(importance, { included: includedWeights, excluded: excludedWeights });
  io.err.write(`importance of ${chosen.entries.size} tensors from ${printable(source.name, 4096)}\n`);
  if (chosen.entries.size === 0) io.warn("warning: no importance is left, and none is used");
  return chosen;
}

/** `OUT`, or `OUT-00001-of-00003.gguf` and so on. */
function outPaths(outFile: string, nFiles: number): string[] {
  if (nFiles === 1) return [outFile];
  const stem = outFile.replace(/\.gguf$/i, "");
  const number = (n: number): string => String(n).padStart(5, "0");
  return Array.from({ length: nFiles }, (_, i) => `${stem}-${number(i + 1)}-of-${number(nFiles)}.gguf`);
}

async function writeFiles(
  plan: GgufQuantization,
  paths: readonly string[],
  inputs: readonly string[],
  { noClobber, progress, nThreads, allowNonFinite }: GgufRequest,
  io: NotingIo,
  assertUnchanged: () => Promise<void>,
): Promise<void> {
  const outs: OutFile[] = [];
  try {
    for (const [index, path] of paths.entries()) {
      const expectedBytes = plan.files[index]?.byteLength as number;
      const out = await createOutFile(path, { inputs, expectedBytes, noClobber });
      outs.push(out);
      for (const stale of out.removedStale) io.err.write(`removed the unfinished ${printable(stale, 4096)}\n`);
    }
    const onEvent = (event: ModelEvent): void => {
      if (event.kind !== "tensor-done") return;
      if (progress) io.err.write(tensorLine(event));
      if (event.lost !== undefined) io.warn(`warning: ${lostText(event.name, event.lost)}`);
    };
    const threads = nThreads > 0 ? nThreads : availableParallelism();
    await quantizeGguf(plan, outs, { threads, allowNonFinite, maxTier: kernelTier(io.env), onEvent });
    await assertUnchanged();
    for (const out of outs) await out.commit();
  } finally {
    for (const out of outs) await out.abort(); // harmless after the commit
  }
}

/** `[   1/  93] output.weight - [   256,     16,      1,      1], type =    f16, converting to q6_K .. size = …` */
function tensorLine(step: TensorStep): string {
  const { index, total, name, fromType, toType, bytesIn, bytesOut, isCopied } = step;
  const sizes = [...step.shape].reverse();
  const shape = Array.from({ length: 4 }, (_, dim) => integer(sizes[dim] ?? 1, 6)).join(", ");
  const start = `[${integer(index + 1, 4)}/${integer(total, 4)}] ${name.padEnd(36)} - [${shape}], type = ${fromType.padStart(6)}, `;
  if (isCopied) return `${start}size = ${fixed(bytesIn / MIB, 8, 3)} MiB\n`;
  return `${start}converting to ${toType} .. size = ${fixed(bytesIn / MIB, 8, 2)} MiB -> ${fixed(bytesOut / MIB, 8, 2)} MiB\n`;
}

function totalLines({ tensors }: GgufQuantization): string {
  const sum = (of: (tensor: GgufQuantization["tensors"][number]) => number): number =>
    tensors.reduce((total, tensor) => total + of(tensor), 0);
  const nValues = sum(({ shape }) => shape.reduce((product, size) => product * size, 1));
  const line = (what: string, bytes: number): string =>
    `${what} size  = ${fixed(bytes / MIB, 8, 2)} MiB (${fixed(nValues === 0 ? 0 : (8 * bytes) / nValues, 0, 2)} BPW)\n`;
  const nFallbacks = sum(({ isFallback }) => Number(isFallback));
  const sizes = line(
    "model",
    sum(({ bytesIn }) => bytesIn),
  );
  const quantized = line(
    "quant",
    sum(({ bytesOut }) => bytesOut),
  );
  if (nFallbacks === 0) return sizes + quantized;
  return `${sizes}${quantized}${nFallbacks} of ${tensors.length} tensors fell back to another type: their rows do not fill its blocks\n`;
}
