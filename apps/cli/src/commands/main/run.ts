// One run of ll-main, from the options to the timings.

import { printable } from "@ll/bytes";
import { assertWritable } from "@ll/bytes/node";
import { createGenerator } from "@ll/llama";
import type { Session } from "@ll/model";
import type { Io } from "../../command.ts";
import { Refusal, ReportedError } from "../../errors.ts";
import { type Drafts, openDrafts } from "../../inference/drafts.ts";
import { samplingLines } from "../../inference/load-lines.ts";
import { loadModel } from "../../inference/model-loading.ts";
import type { RunParams } from "../../inference/params.ts";
import { encodePrompt, verbosePrompt } from "../../inference/prompt.ts";
import { openContext, type Report, type Run, runModel } from "../../inference/run-model.ts";
import { NOWHERE } from "../../terminal.ts";
import { openSampler } from "./chain.ts";
import { openGrammar } from "./grammar.ts";
import { createGuidance, type Guidance } from "./guidance.ts";
import { type Interaction, openInteraction } from "./interaction.ts";
import { runLoop } from "./loop.ts";
import { announceInteractive, interactiveHelp } from "./messages.ts";
import { compareSession, loadSession, saveSession } from "./prompt-cache.ts";

const RESERVED_TOKENS = 4; // of the context, never taken by a prompt

/** Resolves to the exit code. */
export async function runMain(params: RunParams, io: Io, load: typeof loadModel = loadModel): Promise<number> {
  const interaction = openInteraction(params, params.json ? { ...io, out: NOWHERE } : io);
  try {
    const work = async (run: Run): Promise<Report> => {
      if (params.memoryTest) return memoryTest(run);
      const drafts = await openDrafts(run, load, (text) => run.io.err.write(`main: warning: ${text}\n`));
      try {
        return await generateText(run, interaction, drafts);
      } finally {
        await drafts.model?.dispose();
      }
    };
    return await runModel(params, io, work, load);
  } finally {
    interaction.close();
  }
}

async function generateText(
  run: Run,
  { console, interrupt, begin }: Interaction,
  { options: drafts }: Drafts,
): Promise<Report> {
  const { params, io, seed, timings, model, tokenizer, context } = run;
  const { promptCache } = params;
  const { nVocab } = model.config;
  const say = (line: string): void => io.err.write(`${line}\n`);

  const inputs = [params.model, params.lora, params.loraBase].filter((path) => path !== undefined);
  const session = promptCache === undefined ? undefined : await loadSession(promptCache, context, io, params);
  if (promptCache !== undefined && !params.promptCacheReadOnly) await assertWritable(promptCache, inputs);
  const promptTokens = await promptOf(run, session);
  const promptFromSession = session !== undefined && promptTokens === session.tokens;
  const { compat } = params;
  const matched = compareSession(session?.tokens ?? [], promptTokens, { promptFromSession, compat });
  if (matched.message !== undefined) say(matched.message);

  const keepAll = params.keepTokens < 0 || params.keepTokens > promptTokens.length || params.instruct;
  const keepTokens = keepAll ? promptTokens.length : params.keepTokens;
  const guidance = await openGuidance(run, promptFromSession, keepTokens);
  if (params.verbosePrompt) verbosePrompt(params, promptTokens, guidance?.negativeTokens, keepTokens, tokenizer, say);
  if (params.interactive) announceInteractive(params, say);
  for (const line of samplingLines(params, keepTokens)) say(line);
  say("\n");
  const grammar = openGrammar(params, tokenizer, say);
  const sampler = openSampler(params, { seed, nVocab, tokenizer, guidance: guidance?.stage, grammar });

  // the recorded behaviour of build 803 for a session of exactly the prompt's length: logits of its warm-up, BOS alone
  const warmUp =
    compat && session !== undefined ? { logits: await context.evaluate([tokenizer.special.bos ?? 0], 0) } : {};
  const generator = createGenerator(context, {
    sampler,
    keepTokens,
    batchTokens: params.batchTokens,
    tokensAhead: guidance?.tokensAhead ?? 0,
    ...(promptCache === undefined ? {} : { session: { tokens: matched.tokens, ...warmUp } }),
    ...drafts,
  });
  timings.drafts = generator.drafts;
  const save = async (): Promise<void> => {
    if (promptCache !== undefined && !params.promptCacheReadOnly) {
      // the file has the vector of the last token, and a draft may have been evaluated behind it
      const last = generator.sessionTokens?.at(-1);
      if (generator.drafts?.nDrafted && last !== undefined) await context.evaluate([last], generator.nPast - 1);
      await saveSession(promptCache, inputs, context, generator, sampler, params);
    }
  };

  begin(() => {
    for (const line of timings.lines()) say(line);
  });
  if (params.interactive) for (const line of interactiveHelp(params)) say(line);
  if (params.displayPrompt) console.colour("prompt");
  timings.loaded();
  const { ids, finish } = await runLoop({
    params,
    promptTokens,
    generator,
    guidance,
    grammar,
    tokenizer,
    console,
    io,
    timings,
    interrupt,
    beforeFirstSample: async () => {
      if (matched.nMatching < promptTokens.length) await save();
    },
  });
  // a context swap has ended the session
  if (params.promptCacheAll && !params.promptCacheReadOnly && generator.sessionTokens !== undefined) {
    say(`\nmain: saving final output to session file '${printable(promptCache ?? "", 4096)}'`);
    await save();
  }
  const text = (shown: readonly number[]): string => tokenizer.decode(shown);
  const prompt = { text: text(promptTokens), ids: promptTokens };
  return { seed, prompt, text: text(ids), ids, finish };
}

/** Tokens of the prompt: those of the session itself if there is no text. @throws ReportedError if there are too many. */
async function promptOf({ params, io, tokenizer }: Run, session: Session | undefined): Promise<readonly number[]> {
  const isEmpty = params.prompt.length === 0 && !params.interactiveFirst;
  const fromSession = isEmpty && session !== undefined && session.tokens.length > 0;
  const tokens = fromSession ? session.tokens : await encodePrompt(tokenizer, params.prompt);
  assertFits(tokens.length, "prompt", params, io);
  return fromSession ? session.tokens : Array.from(tokens);
}

/** Undefined if guidance is off. */
async function openGuidance(run: Run, promptFromSession: boolean, keepTokens: number): Promise<Guidance | undefined> {
  const { params, io, model, tokenizer } = run;
  if (params.guidanceScale <= 1) return undefined;
  const negative = await encodePrompt(tokenizer, params.negativePrompt);
  assertFits(negative.length, "negative prompt", params, io);
  const nPrompt = promptFromSession ? 0 : (await encodePrompt(tokenizer, params.prompt)).length;
  const context = await openContext(model, params);
  return createGuidance({ params, context, negativeTokens: Array.from(negative), nPrompt, keepTokens });
}

function assertFits(nTokens: number, what: string, { contextTokens }: RunParams, io: Io): void {
  const most = contextTokens - RESERVED_TOKENS;
  if (nTokens <= most) return;
  io.err.write(`main: error: ${what} is too long (${nTokens} tokens, max ${most})\n`);
  throw new ReportedError(new Refusal(`${what} is too long`));
}

async function memoryTest({ context, params, tokenizer }: Run): Promise<Report> {
  const batch = new Array<number>(Math.min(params.batchTokens, params.contextTokens)).fill(tokenizer.special.bos ?? 0);
  await context.evaluate(batch, 0);
  const last = Math.min(Math.max(0, params.nPredict - 1), params.contextTokens - 1);
  await context.evaluate([0], context.memory.kind === "recurrent" ? 0 : last); // such a model has no memory of positions
  return {};
}
