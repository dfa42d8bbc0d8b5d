// One run of ll-main, from the options to the timings.

import { availableParallelism } from "node:os";
import { type Context, createGenerator, type Model } from "@ll/llama";
import { build803Chain, createSampler, resolveSeed } from "@ll/sampling";
import type { Io } from "../../command.ts";
import { Refusal, ReportedError, UsageError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { samplingLines, systemInfoLine } from "../../inference/load-lines.ts";
import { loadModel } from "../../inference/model-loading.ts";
import type { RunParams } from "../../inference/params.ts";
import { startTimings, type Timings } from "../../inference/timings.ts";
import { onInterrupt } from "../../signals.ts";
import { manifestVersion } from "../../version.ts";
import { openConsole } from "./console.ts";
import { runLoop } from "./loop.ts";
import { announceInteractive, encodePrompt, interactiveHelp, randomPrompt, verbosePrompt } from "./prompt.ts";
import { compareSession, loadSession, saveSession } from "./prompt-cache.ts";

const BOS = 1;
const MIN_CONTEXT_TOKENS = 8;
const RESERVED_TOKENS = 4; // of the context, never taken by a prompt

/** Resolves to the exit code. */
export async function runMain(params: RunParams, io: Io): Promise<number> {
  const say = (line: string): void => io.err.write(`${line}\n`);
  for (const notice of params.notices) say(notice);
  adjustContext(params, say);
  say(`main: build = 803 (ll ${manifestVersion()})`);
  const seed = resolveSeed(params.seed);
  say(`main: seed  = ${seed}`);
  if (params.randomPrompt) params.prompt = new TextEncoder().encode(randomPrompt(seed));

  const timings = startTimings();
  const { model, tokenizer } = await loadModel(params, io);
  const context = timedContext(await createContext(model, params), timings);
  say("");
  say(systemInfoLine(params.threads, availableParallelism(), "scalar"));

  if (params.memoryTest) {
    await memoryTest(context, params);
    for (const line of timings.lines()) say(line);
    return ExitCode.ok;
  }

  const session = params.promptCache === undefined ? undefined : await loadSession(params.promptCache, context, io);
  const promptFromSession = params.prompt.length === 0 && !params.interactiveFirst && (session?.tokens.length ?? 0) > 0;
  const promptTokens = promptFromSession ? [...(session?.tokens ?? [])] : encodePrompt(tokenizer, params.prompt);
  const maxPrompt = params.contextTokens - RESERVED_TOKENS;
  if (promptTokens.length > maxPrompt) {
    say(`main: error: prompt is too long (${promptTokens.length} tokens, max ${maxPrompt})`);
    throw new ReportedError(new Refusal("prompt is too long"));
  }
  const matched = compareSession(session?.tokens ?? [], promptTokens, { promptFromSession, compat: params.compat });
  if (matched.message !== undefined) say(matched.message);

  const keepAll = params.keepTokens < 0 || params.keepTokens > promptTokens.length || params.instruct;
  const keepTokens = keepAll ? promptTokens.length : params.keepTokens;
  if (params.verbosePrompt) verbosePrompt(params, promptTokens, keepTokens, tokenizer, say);
  if (params.interactive) announceInteractive(params, say);
  for (const line of samplingLines(params, keepTokens)) say(line);
  say("\n");

  // the recorded behaviour of build 803 for a session of exactly the prompt's length: logits of its warm-up, BOS alone
  const warmUp = params.compat && session !== undefined ? await context.evaluate([BOS], 0) : undefined;
  const sampler = createSampler({ stages: samplerStages(params), seed, nVocab: model.config.nVocab });
  const generator = createGenerator(context, {
    sampler,
    keepTokens,
    batchTokens: params.batchTokens,
    ...(params.promptCache === undefined
      ? {}
      : { session: { tokens: matched.tokens, ...(warmUp === undefined ? {} : { logits: warmUp }) } }),
  });

  const interrupt = { requested: false, waiting: false };
  const interject = (): boolean => {
    if (!params.interactive || interrupt.requested || interrupt.waiting) return false;
    interrupt.requested = true;
    return true;
  };
  const stop = (): void => {
    if (!interject()) process.kill(process.pid, "SIGINT");
  };
  const console = openConsole(io.out, params.color, stop);
  const removeHandler = onInterrupt(() => {
    if (interject()) return true;
    console.close();
    if (params.interactive) io.out.write("\n");
    for (const line of timings.lines()) say(line);
    return false;
  });
  if (params.interactive) for (const line of interactiveHelp(params)) say(line);
  console.colour("prompt");
  timings.loaded();

  try {
    await runLoop({
      params,
      promptTokens,
      generator,
      sampler,
      tokenizer,
      console,
      io,
      timings,
      interrupt,
      beforeFirstSample: async () => {
        const isNew = matched.nMatching < promptTokens.length;
        if (params.promptCache === undefined || params.promptCacheReadOnly || !isNew) return;
        await saveSession(params.promptCache, context, generator, sampler);
      },
    });
    if (params.promptCache !== undefined && params.promptCacheAll && !params.promptCacheReadOnly) {
      if (generator.sessionTokens !== undefined) {
        say(`\nmain: saving final output to session file '${params.promptCache}'`);
        await saveSession(params.promptCache, context, generator, sampler);
      }
    }
  } finally {
    removeHandler();
    console.close();
    await model.dispose();
  }
  for (const line of timings.lines()) say(line);
  return ExitCode.ok;
}

function createContext(model: Model, params: RunParams): Promise<Context> {
  return model.createContext({
    contextTokens: params.contextTokens,
    kvType: params.memoryF32 ? "f32" : "f16",
    compat: params.compat,
  });
}

/** The context, with every evaluation counted. */
function timedContext(context: Context, timings: Timings): Context {
  return {
    ...context,
    async evaluate(tokens, nPast, options) {
      const started = performance.now();
      const logits = await context.evaluate(tokens, nPast, options);
      timings.evaluated(tokens.length, performance.now() - started);
      return logits;
    },
  };
}

function adjustContext(params: RunParams, say: (line: string) => void): void {
  if (params.contextTokens > 2048) {
    say(
      "main: warning: model might not support context sizes greater than 2048 tokens " +
        `(${params.contextTokens} specified);expect poor results`,
    );
  } else if (params.contextTokens < MIN_CONTEXT_TOKENS) {
    say("main: warning: minimum context size is 8, using minimum size.");
    params.contextTokens = MIN_CONTEXT_TOKENS;
  }
}

function samplerStages(p: RunParams): ReturnType<typeof build803Chain> {
  if (p.mirostat !== 0 && p.mirostat !== 1 && p.mirostat !== 2) {
    throw new UsageError(`error: invalid parameter for argument: --mirostat`, `expected 0, 1 or 2, got ${p.mirostat}`);
  }
  return build803Chain({ ...p, mirostat: p.mirostat });
}

async function memoryTest(context: Context, params: RunParams): Promise<void> {
  const batch = new Array<number>(Math.min(params.batchTokens, params.contextTokens)).fill(BOS);
  await context.evaluate(batch, 0);
  const last = Math.min(Math.max(0, params.nPredict - 1), params.contextTokens - 1);
  await context.evaluate([0], last);
}
