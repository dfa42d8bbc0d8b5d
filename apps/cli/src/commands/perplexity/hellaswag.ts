// HellaSwag (Zellers et al., arXiv:1905.07830) as llama.cpp's last ggjt revision scores it: of four ends of a story the model
// should find that one likeliest, per token, which is the right one.

import { returnTo } from "@ll/llama";
import { Refusal, ReportedError } from "../../errors.ts";
import type { Report, Run } from "../../inference/run-model.ts";
import { fixed } from "../../printf.ts";
import { logProbability } from "./chunks.ts";
import { readTasks, selectTasks, type Task } from "./hellaswag-tasks.ts";

/** The first question is padded to so many tokens. */
const MIN_QUERY_TOKENS = 32;
const PADDING = 0;

/** Prints the share of right answers so far, in percent, after each task; with `--quiet` the last one alone. @throws ReportedError; Refusal for a damaged file */
export async function scoreTasks(run: Run): Promise<Report> {
  const { params, io, timings } = run;
  const say = (line: string): void => io.err.write(`hellaswag_score : ${line}\n`);
  const tasks = readTasks(params.prompt);
  if (tasks === undefined) return refuse(say, "number of lines in prompt not a multiple of 6.");
  say(`loaded ${tasks.length} tasks from prompt.`);
  const selected = selectTasks(tasks, params.hellaswagTasks);
  say(`selecting ${selected.length} randomized tasks.`);
  say("calculating hellaswag score over selected tasks.");
  timings.loaded();

  if (!params.quiet) io.out.write("\ntask\tacc_norm\n");
  let nRight = 0;
  for (const [i, task] of selected.entries()) {
    const scores = await scoreEndings(run, task, (nTokens) =>
      refuse(say, `number of tokens in query ${nTokens} > n_ctxl`),
    );
    if (scores.indexOf(Math.max(...scores)) === task.right) nRight++;
    const share = fixed((nRight / (i + 1)) * 100, 0, 8);
    if (!params.quiet) io.out.write(`${i + 1}\t${share}\n`);
    else if (i === selected.length - 1) io.out.write(share);
  }
  io.out.write("\n");
  const share = nRight / selected.length;
  // the standard error of a share
  const error = 100 * Math.sqrt((share * (1 - share)) / selected.length);
  return { value: 100 * share, error, tasks: selected.length, right: nRight };
}

/**
 * The mean log-probability of the tokens of each ending. The first one is tokenised together with the story, so its first token
 * need not be that of the ending; the others are tokenised alone.
 */
async function scoreEndings(
  run: Run,
  { story, endings }: Task,
  refuseLength: (nTokens: number) => never,
): Promise<number[]> {
  const { params, tokenizer, model, context } = run;
  const { nVocab } = model.config;
  const { contextTokens } = params;
  const row = (logits: Float32Array, i: number): Float32Array => logits.subarray(i * nVocab, (i + 1) * nVocab);

  const bos = tokenizer.addBos;
  const nStory = tokenizer.encode(story, { bos }).length;
  const query = tokenizer.encode(Buffer.concat([story, endings[0] as Uint8Array]), { bos });
  if (query.length > contextTokens) refuseLength(query.length);
  const padded = new Int32Array(Math.min(contextTokens, Math.max(query.length, MIN_QUERY_TOKENS))).fill(PADDING);
  padded.set(query);
  const first = await evaluateAll(run, padded, 0); // (padded, nVocab)
  const nextAfterStory = row(first, nStory - 1).slice(); // (nVocab)

  let sum = logProbability(nextAfterStory, query[nStory] as number);
  for (let j = nStory; j <= query.length - 2; j++) sum += logProbability(row(first, j), query[j + 1] as number);
  const scores = [sum / (query.length - nStory)];

  for (const ending of endings.slice(1)) {
    const tokens = tokenizer.encode(ending);
    if (nStory + tokens.length > contextTokens) refuseLength(tokens.length);
    await returnTo(context, Array.from(padded.subarray(0, nStory)), params);
    const logits = await evaluateAll(run, tokens, nStory); // (tokens, nVocab)
    let sum = logProbability(nextAfterStory, tokens[0] as number);
    for (let j = 0; j <= tokens.length - 2; j++) sum += logProbability(row(logits, j), tokens[j + 1] as number);
    scores.push(sum / tokens.length);
  }
  return scores;
}

/** The logits of all tokens, (tokens, nVocab). */
async function evaluateAll({ params, context, model }: Run, tokens: Int32Array, nPast: number): Promise<Float32Array> {
  const { nVocab } = model.config;
  const logits = new Float32Array(tokens.length * nVocab);
  for (let start = 0; start < tokens.length; start += params.batchTokens) {
    const batch = tokens.subarray(start, start + params.batchTokens);
    logits.set(await context.evaluate(batch, nPast + start, { logits: "all" }), start * nVocab);
  }
  return logits;
}

function refuse(say: (line: string) => void, message: string): never {
  say(message);
  throw new ReportedError(new Refusal(message));
}
