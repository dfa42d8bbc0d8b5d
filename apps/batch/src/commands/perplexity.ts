// ll-batch perplexity: what ll-perplexity prints, of windows that are scored apart.

import {
  type Command,
  ExitCode,
  flagRow,
  type Io,
  jsonRow,
  type OptionSpec,
  type Program,
  readCommandLine,
  silentRow,
  usageError,
  valueRow,
} from "@ll/cli/frame";
import { chunkText, createScore, perplexityText, readTextFile, windowsOf, withoutFinalNewline } from "@ll/cli/jobs";
import { createChunkSize } from "../jobs/chunk-size.ts";
import { createJob, type JobParams } from "../jobs/job.ts";
import { cutList } from "../jobs/listed.ts";
import { openResults, type Results } from "../jobs/results.ts";
import { contractOf } from "../model/open.ts";
import { defaultModelParams, integerIn, type ModelParams, modelOptions } from "../model/options.ts";
import { queueOption } from "../queue/options.ts";
import { decodeWindows, WINDOW_TOKENS, windowsOfModel } from "../windows/runner.ts";

interface PerplexityParams extends ModelParams, JobParams {
  chunkWindows: number | undefined;
  maxWindows: number;
  json: boolean;
}

/** What nothing is made of here: one sequence runs at a time, and no template is asked. */
const OF_LINES = ["--parallel", "--template", "--date"];

export const PERPLEXITY_OPTIONS: readonly OptionSpec<PerplexityParams>[] = [
  ...modelOptions<PerplexityParams>().filter(({ names }) => !OF_LINES.includes(names[0])),
  valueRow(
    "Work",
    ["--chunks"],
    "int",
    { placeholder: "N", help: "windows of the text that are scored", default: "all" },
    (p, value) => {
      p.maxWindows = integerIn(value, 1, 2 ** 31 - 1);
    },
  ),
  valueRow(
    "Work",
    ["--chunk-windows"],
    "int",
    { placeholder: "N", help: "windows that are worked on and kept together", default: "what takes a minute" },
    (p, value) => {
      p.chunkWindows = integerIn(value, 1, 256);
    },
  ),
  queueOption("let `ll-batch work --kind perplexity` do it, on any machines: redis://HOST:PORT"),
  jsonRow("one JSON object on standard output when all is done"),
  silentRow("the last figure alone, and nothing on standard error but errors"),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

const PROGRAM: Program<PerplexityParams> = {
  examples: ["wiki.test.raw -m model.gguf", "wiki.test.raw -m model.gguf -c 1024 --chunks 40"],
  usage: "[options] CORPUS -m MODEL",
  description: [
    "Prints the perplexity of a text, to the byte what ll-perplexity prints of it. Its windows, of --ctx-size tokens each (512 if left out), are",
    "scored apart; what is done is kept in the folder CORPUS.ll-batch until all are, and a run that was interrupted or killed goes on with the",
    "same command.",
  ].join(" "),
  options: PERPLEXITY_OPTIONS,
  paths: 1,
};

/** Each so many chunks, one is done by two workers. */
const CHECK_EVERY = 100;

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

export const perplexityCommand: Command = async (bin, argv, io) => {
  const params: PerplexityParams = {
    ...{ ...defaultModelParams(), contextTokens: WINDOW_TOKENS, queue: undefined },
    ...{ chunkWindows: undefined, maxWindows: -1, json: false, quiet: false, progress: true },
  };
  const line = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (line === undefined) return ExitCode.ok;
  const [corpus, ...more] = line.positionals;
  if (corpus === undefined || more.length > 0) {
    throw usageError(PROGRAM, bin, `expected a text, got ${line.positionals.length} arguments`);
  }
  const contract = await contractOf(params, io, params.quiet);
  const text = withoutFinalNewline(await readTextFile(corpus, io.err));
  const { path: model, contextTokens, fingerprint, terms } = contract;
  const windows = await windowsOf(text, { model, contextTokens, maxWindows: params.maxWindows });
  const results = await openResults(`${corpus}.ll-batch`, {
    ...{ kind: "perplexity", ...terms, windows: windows.length },
  });
  const { progress, work } = createJob(params, io, {
    ...{ kind: "perplexity", terms, fingerprint, checkEvery: CHECK_EVERY },
    ...{ unit: "windows", bytes: windows.length, open: () => windowsOfModel(contract, params, io) },
  });
  try {
    const size = createChunkSize(results, params.chunkWindows);
    const chunks = cutList(windows, {
      ...{ kind: "perplexity", fingerprint, done: results.names, size: () => size.units, unit: "window" },
      ...{ payload: (ids) => [...ids], bytes: () => 1 },
    });
    await work(chunks, results, size.measured);
    progress.finish();
    await print(results, params, io);
    await results.remove();
  } finally {
    progress.finish();
    await results.close();
  }
  return ExitCode.ok;
};

async function print(results: Results, { json, quiet, model }: PerplexityParams, io: Io): Promise<void> {
  const score = createScore();
  let index = 0;
  let text = "";
  for await (const product of results.all()) {
    for (const window of decodeWindows(product.text)) {
      const soFar = score.add(window);
      text = quiet ? perplexityText(soFar) : `${text}${chunkText(index, soFar)}`;
      index++;
    }
  }
  if (json) io.out.write(`${JSON.stringify({ version: JSON_VERSION, model, ...score.report() })}\n`);
  else io.out.write(`${text}\n`);
}
