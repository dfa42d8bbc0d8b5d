// One run of a program over a model: begin, load, work, timings, end.

import { availableParallelism } from "node:os";
import type { Context, Model } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import type { Io } from "../command.ts";
import { ExitCode } from "../exit-codes.ts";
import { quietly } from "../quiet.ts";
import { NOWHERE } from "../terminal.ts";
import { fingerprintText } from "../units.ts";
import { systemInfoLine } from "./load-lines.ts";
import { loadModel } from "./model-loading.ts";
import { kvTypes, type RunParams } from "./params.ts";
import { startRun } from "./start.ts";
import { startTimings, type Timings } from "./timings.ts";

export interface Run {
  readonly params: RunParams;
  readonly io: Io;
  readonly seed: number;
  readonly timings: Timings;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** Every evaluation counts in the timings. */
  readonly context: Context;
}

/** Version of the shape that `--json` prints. */
const JSON_VERSION = 1;

/** What the object of `--json` holds of a program, beside what all have. */
export type Report = Readonly<Record<string, unknown>>;

/** Loads the model and lets `work` use it. With `--json`, its report is all that standard output gets. Resolves to the exit code. */
export function runModel(
  params: RunParams,
  io: Io,
  work: (run: Run) => Promise<Report>,
  load: typeof loadModel = loadModel,
): Promise<number> {
  const run = (shown: Io): Promise<number> => runAloud(params, shown, work, load);
  return params.quiet ? quietly(io, run) : run(io);
}

async function runAloud(
  params: RunParams,
  io: Io,
  work: (run: Run) => Promise<Report>,
  load: typeof loadModel,
): Promise<number> {
  const seed = startRun(params, io);
  const timings = startTimings();
  const { model, tokenizer, threads, kernels, warnings } = await load(params, io);
  let report: Report;
  try {
    const context = timedContext(await openContext(model, params), timings);
    io.err.write(`\n${systemInfoLine(threads, availableParallelism(), kernels, model.arithmetic)}\n`);
    const shown = params.json ? { ...io, out: NOWHERE } : io;
    report = await work({ params, io: shown, seed, timings, model, tokenizer, context });
  } finally {
    await model.dispose();
  }
  for (const line of timings.lines()) io.err.write(`${line}\n`);
  if (params.json) {
    const fingerprint = model.fingerprint && fingerprintText(model.fingerprint);
    const engine = { threads, kernels, arithmetic: model.arithmetic };
    const about = { version: JSON_VERSION, model: params.model, fingerprint, ...engine, warnings };
    io.out.write(`${JSON.stringify({ ...about, ...report, timings: timings.figures() })}\n`);
  }
  return ExitCode.ok;
}

export function openContext(model: Model, params: RunParams): Promise<Context> {
  return model.createContext({
    contextTokens: params.contextTokens,
    kvType: kvTypes(params),
    compat: params.compat,
  });
}

function timedContext(context: Context, timings: Timings): Context {
  return {
    ...context,
    async evaluate(tokens, nPast, options) {
      const started = performance.now();
      const logits = await context.evaluate(tokens, nPast, options);
      const elapsedMs = performance.now() - started;
      if (timings.drafts !== undefined && options?.logits === "all") timings.checked(elapsedMs);
      else timings.evaluated(tokens.length, elapsedMs);
      return logits;
    },
  };
}
