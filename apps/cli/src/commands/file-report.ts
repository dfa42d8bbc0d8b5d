// What --json of ll-convert and ll-quantize prints: the file that was written, in the words of ll-inspect, and what was warned of.

import { openFileSource } from "@ll/bytes/node";
import { fingerprintOf } from "@ll/llama";
import { openModelFile } from "@ll/model";
import type { Io } from "../command.ts";
import { fingerprintText } from "../units.ts";
import { readModelFacts } from "./inspect/model-facts.ts";
import { modelReport } from "./inspect/model-report.ts";

/** Version of the shape of the object. */
const REPORT_VERSION = 1;

/** An `Io` that keeps what it warns of. */
export interface NotingIo extends Io {
  readonly warnings: string[];
  /** Puts a line on standard error, and the same into the report. */
  warn(text: string): void;
}

export function notingIo(io: Io): NotingIo {
  const warnings: string[] = [];
  return {
    ...io,
    warnings,
    warn(text) {
      warnings.push(text);
      io.err.write(`${text}\n`);
    },
  };
}

/** Puts the object on standard output. */
export function writeReport(io: NotingIo, report: Record<string, unknown>): void {
  io.out.write(`${JSON.stringify({ version: REPORT_VERSION, ...report, warnings: io.warnings }, null, 2)}\n`);
}

/** File, bytes, format, types and tensors as ll-inspect --json has them, and the number by which sessions know the weights. */
export async function fileReport(path: string): Promise<Record<string, unknown>> {
  const source = await openFileSource(path);
  try {
    const { file, bytes, format, types, tensors } = await modelReport(await readModelFacts(source), {
      contextSizes: [],
      kernels: undefined,
    });
    const fingerprint = await fingerprintOf((await openModelFile(source)).source);
    return { file, bytes, format, types, tensors, fingerprint: fingerprintText(fingerprint) };
  } finally {
    await source.close();
  }
}
