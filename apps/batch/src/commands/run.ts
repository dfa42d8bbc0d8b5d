// ll-batch run: a file of requests, a file of answers.

import { existsSync } from "node:fs";
import { printable } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import {
  type Command,
  countText,
  duration,
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
import { createChunkSize } from "../jobs/chunk-size.ts";
import { createJob, type Job, type JobParams } from "../jobs/job.ts";
import { existing, finishedOutput, joinResults, openResults, type Results } from "../jobs/results.ts";
import type { RunProgress } from "../jobs/run-progress.ts";
import { cutLines } from "../lines/cut.ts";
import { placedEntries } from "../lines/entry.ts";
import { linesOfModel } from "../lines/runner.ts";
import { createSeenIds } from "../lines/seen-ids.ts";
import { type Contract, contractOf, openModel } from "../model/open.ts";
import { defaultModelParams, integerIn, type ModelParams, modelOptions } from "../model/options.ts";
import { queueOption } from "../queue/options.ts";

interface RunParams extends ModelParams, JobParams {
  checkEvery: number;
  chunkLines: number | undefined;
  json: boolean;
}

export const RUN_OPTIONS: readonly OptionSpec<RunParams>[] = [
  ...modelOptions<RunParams>(),
  valueRow(
    "Work",
    ["--chunk-lines"],
    "int",
    { placeholder: "N", help: "lines that are worked on and kept together", default: "what takes a minute" },
    (p, value) => {
      p.chunkLines = integerIn(value, 1, 4096);
    },
  ),
  queueOption("let `ll-batch work` do it, on any machines: redis://HOST:PORT, or rediss:// with TLS"),
  valueRow(
    "Queue",
    ["--check-every"],
    "int",
    { placeholder: "N", help: "of so many chunks, one is worked out by two and compared; 0 for none", default: "100" },
    (p, value) => {
      p.checkEvery = integerIn(value, 0, 2 ** 31 - 1);
    },
  ),
  jsonRow("one JSON object on standard output when all is done"),
  silentRow("nothing on standard error but errors"),
  flagRow("Output", ["--no-progress"], "no progress line on standard error", (params) => {
    params.progress = false;
  }),
];

const PROGRAM: Program<RunParams> = {
  examples: [
    "requests.jsonl answers.jsonl -m model.gguf",
    "requests.jsonl answers.jsonl -m model.gguf --queue redis://10.0.0.1:6379",
  ],
  usage: "[options] IN.jsonl OUT.jsonl -m MODEL",
  description: [
    "Answers requests of OpenAI's batch format, one a line: chat completions, completions, embeddings. OUT has one line for each, in the order",
    "of IN, and appears when all are there; until then what is done is kept in the folder OUT.jsonl.ll-batch. A run that was interrupted or",
    "killed goes on with the same command, and its output is byte for byte what it would have been.",
  ].join(" "),
  options: RUN_OPTIONS,
  paths: 2,
};

const CHECK_EVERY = 100;

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

/** Behind the name of the output: the folder of its parts. */
const FOLDER = ".ll-batch";

export const runCommand: Command = async (bin, argv, io) => {
  const params: RunParams = {
    ...defaultModelParams(),
    ...{ chunkLines: undefined, queue: undefined, checkEvery: CHECK_EVERY, json: false, quiet: false, progress: true },
  };
  const line = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (line === undefined) return ExitCode.ok;
  const [input, output, ...more] = line.positionals;
  if (input === undefined || output === undefined || more.length > 0) {
    throw usageError(PROGRAM, bin, `expected IN.jsonl and OUT.jsonl, got ${line.positionals.length} arguments`);
  }
  return run(input, output, params, io);
};

async function run(input: string, output: string, params: RunParams, io: Io): Promise<number> {
  const startMs = performance.now();
  const contract = await contractOf(params, io, params.quiet);
  const folder = `${output}${FOLDER}`;
  if (existsSync(output) && !existsSync(folder)) throw existing(output);
  const source = await openFileSource(input);
  const results = await openResults(folder, { kind: "lines", ...contract.terms }).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const job = createJob(params, io, {
    ...{ kind: "lines", terms: contract.terms, fingerprint: contract.fingerprint, checkEvery: params.checkEvery },
    ...{ unit: "lines", bytes: source.byteLength },
    open: async () => linesOfModel(await openModel(contract, params)),
  });
  const { progress } = job;
  try {
    let failed = await finishedOutput(results, output);
    if (failed === undefined) {
      await answerLines(source, results, contract, params, job);
      failed = await joinResults(results, output, [input, contract.path]);
    }
    progress.finish();
    report({ output, failed, progress, seconds: (performance.now() - startMs) / 1000 }, params, io);
    return failed === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    progress.finish();
    await results.close();
    await source.close();
  }
}

async function answerLines(
  source: FileSource,
  results: Results,
  contract: Contract,
  params: RunParams,
  { work, progress }: Job,
): Promise<void> {
  const seen = createSeenIds();
  const size = createChunkSize(results, params.chunkLines);
  const chunks = cutLines(placedEntries(source, { model: contract.name, seen }), {
    ...{ done: results.names, fingerprint: contract.fingerprint, chunkLines: () => size.units },
  });
  await work(chunks, results, size.measured);
  if (seen.isFull) progress.line("warning: more lines than custom_ids are compared of: late doubles are not told");
}

interface Summary {
  readonly output: string;
  readonly failed: number;
  readonly progress: RunProgress;
  readonly seconds: number;
}

function report({ output, failed, progress, seconds }: Summary, { json, quiet }: RunParams, io: Io): void {
  const { units: lines, newUnits } = progress;
  if (json) {
    const fields = { version: JSON_VERSION, output, lines, failed, answered: newUnits, seconds };
    io.out.write(`${JSON.stringify(fields, null, 2)}\n`);
  }
  if (quiet) return;
  const errors = failed === 0 ? "" : `, ${countText(failed)} of them errors`;
  const time = newUnits === 0 ? "" : `, ${countText(newUnits)} of them in ${duration(seconds * 1000)}`;
  io.err.write(`${printable(output, 4096)}: ${countText(lines)} lines${errors}${time}\n`);
}
