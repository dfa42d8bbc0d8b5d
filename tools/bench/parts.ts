// What is measured without peers: the quantiser against a copy of the file, sampling against one pass over the logits, decoding
// and prompts against the bare kernel, encoding against itself with half of the text, texts with drafts against those without.

import { spawnSync } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { nodeArguments, run } from "./engines.ts";
import { type GgjtModel, textPath, vocabPaths } from "./models.ts";
import { promptIds } from "./plan.ts";

/** One measured number. */
export interface PartRun {
  readonly part: "bounds" | "drafts" | "quantize" | "sampling" | "abort" | "tokenizer" | "serve";
  readonly name: string;
  readonly round: number;
  readonly value: number;
}

const CLI = join(import.meta.dirname, "..", "..", "apps", "cli");
const QUANTIZE_TYPES = ["q4_0", "q5_1", "q8_0", "q4_K_M", "q6_K"];

/** Bytes of input per second: `cp`, `cp` with the data on the disk at the end, and ll-quantize, which sees to that too, for some types. */
export function measureQuantize(inFile: string, types: readonly string[], fromSource: boolean): Map<string, number> {
  const outFile = `${inFile}.out`;
  const program = fromSource ? [join(CLI, "src", "bin.ts"), "ll-quantize"] : [join(CLI, "bin", "ll-quantize.js")];
  const commands = new Map<string, readonly [string, ...string[]]>([
    ["cp", ["cp", inFile, outFile]],
    ["cp and flush", ["sh", "-c", 'cp "$0" "$1" && sync -d "$1"', inFile, outFile]],
    ...types.map(
      (type) =>
        [
          type,
          [process.execPath, ...nodeArguments(fromSource), ...program, "--no-progress", inFile, outFile, type],
        ] as const,
    ),
  ]);
  const rates = new Map<string, number>();
  for (const [name, [command, ...commandArguments]] of commands) {
    rmSync(outFile, { force: true });
    const start = performance.now();
    const { status, stderr } = spawnSync(command, commandArguments, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${commandArguments.join(" ")}: ${stderr}`);
    rates.set(name, statSync(inFile).size / ((performance.now() - start) / 1000));
  }
  rmSync(outFile, { force: true });
  return rates;
}

export function quantizeTypes(isQuick: boolean): readonly string[] {
  return isQuick ? QUANTIZE_TYPES.slice(0, 1) : QUANTIZE_TYPES;
}

/** Microseconds per token. */
export async function measureSampling(fromSource: boolean): Promise<Map<string, number>> {
  return new Map(Object.entries(JSON.parse(await run("measure-sampling.ts", [], fromSource))));
}

/** By vocabulary with shape and column, a colon in between: t(2n)/t(n) for texts of 2n bytes, and the speed. */
export async function measureTokenizer(fromSource: boolean): Promise<Map<string, number>> {
  const job = JSON.stringify({ vocabs: Object.fromEntries(vocabPaths()), text: textPath() });
  const shapes: Record<string, Record<string, number>> = JSON.parse(
    await run("measure-tokenizer.ts", [job], fromSource),
  );
  return new Map(
    Object.entries(shapes).flatMap(([shape, columns]) =>
      Object.entries(columns).map(([column, value]) => [`${shape}: ${column}`, value]),
    ),
  );
}

/** Milliseconds from the call of abort() during a prompt of 2,000 tokens until evaluate() has thrown. */
export async function measureAbort(
  { ggjt, nKvHeads, nVocab }: GgjtModel,
  fromSource: boolean,
): Promise<Map<string, number>> {
  const job = { ggjt, nKvHeads, ids: promptIds(2000, nVocab), abortAtMs: [100, 1000, 3000] };
  return new Map(Object.entries(JSON.parse(await run("measure-abort.ts", [JSON.stringify(job)], fromSource))));
}

/** What ll-serve adds to the library, and counts of what it computes: see measure-serve.ts. */
export async function measureServe(path: string, isQuick: boolean, fromSource: boolean): Promise<Map<string, number>> {
  const job = [path, ...(isQuick ? ["1", "8"] : ["3", "32"])];
  return new Map(Object.entries(JSON.parse(await run("measure-serve.ts", job, fromSource))));
}

/** Tokens per second of the bare kernel: weights times one vector, and times 32. */
export async function measureBounds(
  { ggjt, nKvHeads }: GgjtModel,
  threads: number,
  fromSource: boolean,
): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  for (const [name, nVectors, passes] of [
    ["decode", 1, 48],
    ["prompt", 32, 6],
  ] as const) {
    const job = { ggjt, nKvHeads, threads, nVectors, passes };
    rates.set(name, JSON.parse(await run("measure-bounds.ts", [JSON.stringify(job)], fromSource)).rate);
  }
  return rates;
}

/** Speed with prompt lookup against that without, by text. */
export async function measureDrafts(threads: number, fromSource: boolean): Promise<Map<string, number>> {
  return new Map(
    Object.entries(JSON.parse(await run("measure-drafts.ts", ["1.1b", String(threads), "1"], fromSource))),
  );
}
