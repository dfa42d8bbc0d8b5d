// A file that is about to be written: what it will have, and how it is done. The libraries that ll-convert and ll-quantize call, in the
// same way, so that the bytes are the same.

import { type ByteSink, type ByteSource, closeAll } from "@ll/bytes";
import {
  contentsOfGgml,
  convertCheckpoint,
  convertedBytes,
  type GgufConversion,
  type ModelEvent,
  planGguf,
  planGgufCopy,
  quantizedBytes,
  quantizeGguf,
  quantizeModel,
  writeConversion,
} from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { openGgufSet } from "@ll/gguf";
import { containerOf } from "@ll/model";
import type { ConvertRequest, Target } from "./jobs.ts";

export interface WriteOptions {
  readonly threads: number;
  readonly onEvent: (event: ModelEvent) => void;
  readonly signal: AbortSignal;
}

export interface PlannedFile {
  readonly byteLength: number;
  readonly warnings: readonly string[];
  /** @throws if the sources are not what they were */
  write(sink: ByteSink, options: WriteOptions): Promise<void>;
  close(): Promise<void>;
}

type Choice = ConvertRequest["target"] & Pick<ConvertRequest, "allowRequantize">;

/** Whether the container of a model file is that of the target: then one step makes it. */
export async function isDirect(source: ByteSource, { container }: Pick<Target, "container">): Promise<boolean> {
  return ((await containerOf(source)) === "gguf") === (container === "gguf");
}

/** A model file, or the files of a set, to one of the same container. @throws QuantizationError, ConvertError, FormatError, IoError */
export async function planQuantised(sources: readonly ByteSource[], choice: Choice): Promise<PlannedFile> {
  const [source] = sources as [ByteSource];
  return choice.container === "gguf" ? planGgufFile(sources, choice) : planGgjtFile(source, choice);
}

async function planGgufFile(sources: readonly ByteSource[], { ftype, allowRequantize }: Choice): Promise<PlannedFile> {
  const file = await openGgufSet(sources);
  const { warnings } = file;
  if (ftype === undefined) return plannedConversion(await planGgufCopy(file), warnings, () => file.assertUnchanged());
  const plan = await planGguf(file, { ftype, allowRequantize });
  return {
    byteLength: plan.files[0]?.byteLength ?? 0,
    warnings,
    async write(sink, options) {
      await quantizeGguf(plan, [sink], { ...options, workerUrl: "#convert" });
      await file.assertUnchanged();
    },
    close: async () => undefined,
  };
}

async function planGgjtFile(source: ByteSource, { ftype, allowRequantize }: Choice): Promise<PlannedFile> {
  const file = await openGgml(source);
  if (ftype === undefined) throw new TypeError("a ggjt file as it is needs no conversion");
  const target = { ftype, allowRequantize };
  return {
    byteLength: quantizedBytes(file, target),
    warnings: file.warnings,
    async write(sink, options) {
      await quantizeModel(file, sink, { ...target, ...options, workerUrl: "#convert" });
      await source.assertUnchanged?.();
    },
    close: async () => undefined,
  };
}

/** A ggjt file to a GGUF file, with its weights as they are. */
export async function planGgmlToGguf(source: ByteSource): Promise<PlannedFile> {
  const file = await openGgml(source);
  const input = { ...contentsOfGgml(file), outType: "stored", container: "gguf" } as const;
  return {
    byteLength: convertedBytes(input),
    warnings: file.warnings,
    async write(sink, options) {
      await convertCheckpoint(input, sink, options);
      await source.assertUnchanged?.();
    },
    close: async () => undefined,
  };
}

/** @param verify after the last byte */
export function plannedConversion(
  conversion: GgufConversion,
  warnings: readonly string[],
  verify: (signal: AbortSignal) => Promise<void>,
  files: readonly { close(): Promise<void> }[] = [],
): PlannedFile {
  return {
    byteLength: conversion.byteLength,
    warnings: [...warnings, ...conversion.warnings],
    async write(sink, options) {
      await writeConversion(conversion, sink, options);
      await verify(options.signal);
    },
    close: () => closeAll(files),
  };
}
