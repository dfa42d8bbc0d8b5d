// ll-bench: how fast a model runs here, through the same interface as in ll-main.

import { availableParallelism, cpus } from "node:os";
import { printable } from "@ll/bytes";
import type { Command, Io } from "../../command.ts";
import { ExitCode } from "../../exit-codes.ts";
import { loadQuietly } from "../../inference/model-loading.ts";
import { defaultParams, kvTypes } from "../../inference/params.ts";
import { kernelName } from "../../kernel-tier.ts";
import { modelPath, openModelSource } from "../../model-path.ts";
import { type Program, readCommandLine, usageError } from "../../program.ts";
import { createProgress } from "../../progress.ts";
import { tableColumns, tableLines } from "../../text-table.ts";
import { wrapText } from "../../text-wrap.ts";
import { countText, sizeText } from "../../units.ts";
import { manifestVersion } from "../../version.ts";
import { type ModelFacts, readModelFacts } from "../inspect/model-facts.ts";
import { type Measurement, measure, tokensPerSecond } from "./measure.ts";
import { BENCH_OPTIONS, type BenchParams } from "./options.ts";

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

/** Smallest context that a model is given. */
const MIN_CONTEXT_TOKENS = 8;

interface BenchResult extends Measurement {
  readonly threads: number;
  readonly kernels: string;
  readonly arithmetic: string;
}

const PROGRAM: Program<BenchParams> = {
  examples: ["ggml-model-q4_0.bin", "ggml-model-q4_0.bin -p 512 -n 0 -t 1,2,4 --json"],
  usage: "[options] MODEL",
  description: [
    "Measures how many tokens a second a model takes in as a prompt, and decodes one by one: the mean of some",
    "repetitions and their standard deviation, after a warm-up.",
  ].join(" "),
  options: BENCH_OPTIONS,
  arguments: ["--model"],
};

export const benchCommand: Command = async (bin, argv, io) => {
  const params: BenchParams = {
    ...defaultParams(),
    model: "",
    promptSizes: [128, 512],
    decodeTokens: [32],
    repetitions: 5,
    threadCounts: [availableParallelism()],
    truncate: true,
    progress: true,
  };
  const commandLine = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (commandLine === undefined) return ExitCode.ok;
  if (commandLine.extra.length > 0) throw usageError(PROGRAM, bin, "more than one model given");
  if (params.model === "") throw usageError(PROGRAM, bin, "no model given");
  params.model = await modelPath(params.model, io, params.quiet);
  params.kernels = kernelName(io.env);
  params.contextTokens = Math.max(MIN_CONTEXT_TOKENS, ...params.promptSizes, ...params.decodeTokens);
  const facts = await factsOf(params.model);
  const results = await measureAll(params, io);
  if (params.json) io.out.write(reportJson(facts, results));
  else if (params.quiet) io.out.write(results.map((result) => `${tokensPerSecond(result).mean}\n`).join(""));
  else io.out.write(reportText(facts, results, tableColumns(io.out, io.env, params)));
  return ExitCode.ok;
};

async function factsOf(path: string): Promise<ModelFacts> {
  const source = await openModelSource(path);
  try {
    return await readModelFacts(source);
  } finally {
    await source.close();
  }
}

async function measureAll(params: BenchParams, io: Io): Promise<BenchResult[]> {
  const { promptSizes, decodeTokens, threadCounts, repetitions, batchTokens, quiet } = params;
  const nTests = [...promptSizes, ...decodeTokens].filter((size) => size > 0).length;
  const total = threadCounts.length * nTests * repetitions;
  const progress = createProgress(io, { total, enabled: params.progress && !quiet });
  const results: BenchResult[] = [];
  let done = 0;
  for (const [index, threads] of threadCounts.entries()) {
    const isFirst = index === 0; // what is odd about the file is said once
    const { model, kernels } = await loadQuietly({ ...params, threads }, io, isFirst && !quiet);
    try {
      const { contextTokens } = params;
      const context = await model.createContext({ contextTokens, kvType: kvTypes(params) });
      const now = (): number => performance.now();
      const onStep = (): void => {
        progress.update(done, `${done} of ${total} runs`);
        done++;
      };
      const measured = await measure(context, { promptSizes, decodeTokens, repetitions, batchTokens, now, onStep });
      results.push(...measured.map((one) => ({ ...one, threads, kernels, arithmetic: model.arithmetic })));
    } finally {
      await model.dispose();
    }
  }
  progress.finish();
  return results;
}

function weightsOf({ tensors }: ModelFacts): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

function reportText(facts: ModelFacts, results: readonly BenchResult[], columns: number): string {
  const rows = results.map((result) => {
    const { mean, deviation } = tokensPerSecond(result);
    return [
      `${result.test} ${result.tokens}`,
      String(result.threads),
      result.kernels,
      result.arithmetic,
      `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`,
      (1000 / mean).toFixed(2),
    ];
  });
  const head = ["test", "threads", "kernels", "arithmetic", "tokens per second", "ms per token"];
  const title = `${printable(facts.name, 4096)}: ${facts.format}, ${countText(weightsOf(facts))} weights, ${sizeText(facts.byteLength)}`;
  const table = tableLines([head, ...rows], ["left", "right", "left", "left", "right", "right"], {
    columns,
    hasHead: true,
  });
  return `${[wrapText(title, columns), "", ...table].join("\n")}\n`;
}

function reportJson(facts: ModelFacts, results: readonly BenchResult[]): string {
  const report = {
    version: JSON_VERSION,
    ll: manifestVersion(),
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    model: { file: facts.name, format: facts.format, bytes: facts.byteLength, weights: weightsOf(facts) },
    results: results.map((result) => {
      const { mean, deviation } = tokensPerSecond(result);
      return { ...result, tokensPerSecond: mean, deviation };
    }),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
