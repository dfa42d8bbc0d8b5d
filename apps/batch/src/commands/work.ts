// ll-batch work: answers what a queue has, until it is told to end.

import { hostname } from "node:os";
import { printable } from "@ll/bytes";
import {
  type Command,
  countText,
  duration,
  ExitCode,
  flagRow,
  type Io,
  invalidParameter,
  type OptionSpec,
  onEnd,
  type Program,
  readCommandLine,
  silentRow,
  usageError,
  valueRow,
} from "@ll/cli/frame";
import { FILE_TERMS, fileRunner } from "../files/runner.ts";
import type { DoerOptions } from "../jobs/doer.ts";
import { linesOfModel } from "../lines/runner.ts";
import { contractOf, openModel } from "../model/open.ts";
import { defaultModelParams, type ModelParams, modelOptions } from "../model/options.ts";
import { queueName } from "../queue/job.ts";
import { assertQueueUrl, type QueueParams, queueOf, queueOption } from "../queue/options.ts";
import { openRedis } from "../queue/redis.ts";
import { startWorker } from "../queue/worker.ts";
import { WINDOW_TOKENS, windowsOfModel } from "../windows/runner.ts";

const KINDS = ["lines", "perplexity", "files"] as const;

interface WorkParams extends ModelParams, QueueParams {
  kind: (typeof KINDS)[number];
  name: string;
  drainSeconds: number;
  lockSeconds: number;
  stalledSeconds: number;
  progress: boolean;
  quiet: boolean;
}

const MOST_SECONDS = 3600;

function secondsRow(
  name: `--${string}`,
  help: string,
  key: "drainSeconds" | "lockSeconds" | "stalledSeconds",
  least: number,
  shown: number,
): OptionSpec<WorkParams> {
  const row = { placeholder: "S", help, default: String(shown) };
  return valueRow<WorkParams>("Queue", [name], "float", row, (p, { number, option, text }) => {
    if (!(number >= least && number <= MOST_SECONDS)) {
      throw invalidParameter(option, `expected ${least} to ${MOST_SECONDS}, got ${text}`);
    }
    p[key] = number;
  });
}

const DEFAULTS = { drainSeconds: 30, lockSeconds: 30, stalledSeconds: 15 };

export const WORK_OPTIONS: readonly OptionSpec<WorkParams>[] = [
  ...modelOptions<WorkParams>(),
  queueOption("where the work comes from: redis://HOST:PORT, or rediss:// with TLS"),
  valueRow(
    "Queue",
    ["--kind"],
    "text",
    {
      placeholder: "KIND",
      help: "what it works for: runs, perplexity, or quantize and convert, which take no model",
      default: "lines",
      choices: KINDS,
    },
    (p, { text, option }) => {
      const kind = KINDS.find((name) => name === text);
      if (kind === undefined) throw invalidParameter(option, `expected ${KINDS.join(", ")}, got ${text}`);
      p.kind = kind;
    },
  ),
  valueRow(
    "Queue",
    ["--name"],
    "text",
    { placeholder: "NAME", help: "of this worker, for messages", default: "host and process" },
    (p, { text, option }) => {
      if (!/^[\w.-]{1,100}$/.test(text)) throw invalidParameter(option, "expected letters, digits, dots and hyphens");
      p.name = text;
    },
  ),
  secondsRow(
    "--drain-seconds",
    "time to finish lines in when it is told to end",
    "drainSeconds",
    0,
    DEFAULTS.drainSeconds,
  ),
  secondsRow("--lock-seconds", "silence after which another may do its work", "lockSeconds", 1, DEFAULTS.lockSeconds),
  secondsRow(
    "--stalled-seconds",
    "how often it looks for work of the dead",
    "stalledSeconds",
    0.5,
    DEFAULTS.stalledSeconds,
  ),
  flagRow("Output", ["--no-progress"], "no line for each chunk on standard error", (params) => {
    params.progress = false;
  }),
  silentRow("nothing on standard error but errors"),
];

const PROGRAM: Program<WorkParams> = {
  examples: ["-m model.gguf --queue redis://10.0.0.1:6379", "-m hf:OWNER/REPO:Q8_0 --parallel 8"],
  usage: "[options] -m MODEL --queue URL",
  description: [
    "Works for every `ll-batch run --queue` of the same model, context, arithmetic, template and version, until a signal ends it: then it finishes",
    "its lines for --drain-seconds and gives the rest back. Start as many as there are machines; one may come, go, or be killed at any time.",
  ].join(" "),
  options: WORK_OPTIONS,
};

export const workCommand: Command = async (bin, argv, io) => {
  const name = `${hostname().replace(/[^\w.-]/g, "-")}-${process.pid}`;
  const params: WorkParams = {
    ...defaultModelParams(),
    ...DEFAULTS,
    kind: "lines",
    queue: undefined,
    name,
    progress: true,
    quiet: false,
  };
  const line = await readCommandLine(PROGRAM, bin, argv, params, io);
  if (line === undefined) return ExitCode.ok;
  if (line.positionals.length > 0) throw usageError(PROGRAM, bin, "expected no arguments but options");
  return work(params, io);
};

async function work(params: WorkParams, io: Io): Promise<number> {
  const url = queueOf(params, io);
  assertQueueUrl(url);
  const say = (text: string): void => {
    if (!params.quiet) io.err.write(`${text}\n`);
  };
  const { terms, fingerprint, open } = await jobsOf(params, io);
  const redis = await openRedis(url, say);
  try {
    const runner = await open();
    try {
      const { name, lockSeconds, stalledSeconds, drainSeconds, progress } = params;
      const worker = startWorker({
        ...{ redis, name, runner, say, terms, queue: queueName(params.kind, fingerprint) },
        ...{ lockMs: lockSeconds * 1000, stalledMs: stalledSeconds * 1000 },
        onChunk: (label, units, ms) => {
          if (progress) say(`${label}: ${countText(units)} in ${duration(ms)}`);
        },
      });
      const facts = Object.entries(runner.facts).map(([fact, value]) => `${fact} ${value}`);
      say(`${name} works: ${printable(facts.join(", "), 500)}`);
      return await untilEnd(worker, drainSeconds * 1000, say);
    } finally {
      await runner.close();
    }
  } finally {
    redis.disconnect();
  }
}

async function jobsOf(params: WorkParams, io: Io): Promise<Pick<DoerOptions, "terms" | "fingerprint" | "open">> {
  if (params.kind === "files") {
    return { terms: FILE_TERMS, fingerprint: FILE_TERMS.version, open: async () => fileRunner(io.env) };
  }
  const isText = params.kind === "perplexity";
  const { contextTokens = isText ? WINDOW_TOKENS : undefined } = params;
  const contract = await contractOf({ ...params, contextTokens }, io, params.quiet);
  const { terms, fingerprint } = contract;
  const open = isText
    ? () => windowsOfModel(contract, params, io)
    : async () => linesOfModel(await openModel(contract, params));
  return { terms, fingerprint, open };
}

/** The first signal lets lines end, the second ends at once. */
async function untilEnd(
  worker: ReturnType<typeof startWorker>,
  drainMs: number,
  say: (text: string) => void,
): Promise<number> {
  let code: number = ExitCode.ok;
  const remove = onEnd((signal, signalCode) => {
    remove();
    say(`${signal}: finishing what was begun`);
    worker.drain(drainMs).then((isWhole) => {
      if (!isWhole) code = signalCode;
    });
    return true;
  });
  try {
    await worker.ended;
  } finally {
    remove();
  }
  return code;
}
