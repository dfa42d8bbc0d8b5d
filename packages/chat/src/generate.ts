// One run of the model: from the ids of a prompt to text, thoughts and calls.

import type { AbortSignal as Signal } from "@ll/bytes";
import { createTextStream } from "@ll/llama";
import { createSampler, resolveSeed, type SamplerStage, type SamplingOptions, samplingChain } from "@ll/sampling";
import type { Tokenizer } from "@ll/tokenizer";
import type { AnswerTask, Finish, Timings, TokenLogprob, Usage } from "./answer.ts";
import type { Engine } from "./engine.ts";
import type { OutputParser, ToolCall } from "./format/output-part.ts";

/** Names and meaning of `samplingChain`. */
export type AnswerSampling = Omit<SamplingOptions, "grammar" | "guidance"> & {
  /** Default: drawn, and told in the result. */
  readonly seed?: number | undefined;
};

/** What every answer can be asked. */
export interface GenerateOptions extends AnswerSampling {
  /** Default: to the end of the context. */
  readonly maxTokens?: number | undefined;
  /** The answer ends before any of these. */
  readonly stop?: readonly string[] | undefined;
  readonly signal?: Signal | undefined;
  /** An integer; answers with a greater one are begun first. Default 0. */
  readonly priority?: number | undefined;
  /** Natural logarithms of the probabilities of each token and of so many others. */
  readonly logprobs?: number | undefined;
  /** The same of each token of the prompt but the first, in `promptLogprobs` of the result; nothing is taken over then. */
  readonly promptLogprobs?: number | undefined;
  /** Whose it is: clients take turns where answers wait, and take over what prompts of their own hold alone. */
  readonly client?: string | undefined;
  /** GBNF that the whole answer follows. */
  readonly grammar?: string | undefined;
  /** Take over what earlier prompts have in common with this one; results are the same. Default true. */
  readonly reuse?: boolean | undefined;
  /** Guess what may follow, where the model was opened with `lookup` or `draft`; results are the same. Default true. */
  readonly drafts?: boolean | undefined;
  /** Answers, with seeds that follow each other. Default 1. */
  readonly n?: number | undefined;
}

export interface Run {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly prompt: readonly number[];
  readonly options: GenerateOptions;
  readonly seed: number;
  readonly stop: readonly string[];
  /** Of chats; without it, all is text. */
  readonly parser: OutputParser | undefined;
  /** The same parser again: it gets what stop texts hold back at once, and constraints go by it. */
  readonly ahead?: OutputParser | undefined;
  /** Holds calls to their schemas; without a grammar. */
  readonly calls?: SamplerStage | undefined;
  /** A call ends the answer. */
  readonly isOne?: boolean;
  /** The token that begins a thought, unless the model is not to think. */
  readonly thoughtId?: number | undefined;
}

export interface RunResult {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ToolCall[];
  /** The limit came within a call. */
  readonly isCallCut: boolean;
  readonly finish: Exclude<Finish, "tool-calls">;
  readonly usage: Usage;
  readonly timings: Timings;
  readonly logprobs: readonly TokenLogprob[];
  readonly promptLogprobs: readonly TokenLogprob[];
}

/** @throws RangeError for a seed that is none */
export function seedOf(seed: number | undefined): number {
  return resolveSeed(seed ?? Math.floor(Math.random() * 2 ** 32));
}

/** @throws as `Engine.run`; RangeError for options that cannot be meant; GrammarError */
export async function generate(run: Run, task: AnswerTask): Promise<RunResult> {
  const { engine, tokenizer, prompt, options, parser } = run;
  const { grammar, ...settings } = options;
  const { maxTokens = Number.POSITIVE_INFINITY, priority = 0, reuse = true, logprobs: nTop } = settings;
  if (Number.isNaN(maxTokens) || maxTokens < 0)
    throw new RangeError(`"maxTokens" expected a number >= 0, got ${maxTokens}`);
  if (!Number.isInteger(priority)) throw new RangeError(`"priority" expected an integer, got ${priority}`);
  // a text is a list of its characters, too
  if (typeof settings.stop === "string" || run.stop.includes("")) {
    throw new TypeError(`"stop" expected a list of texts, none empty`);
  }
  const { ends } = tokenizer.special;
  const special = parser !== undefined; // marks of thoughts and calls may be control tokens
  const constraint = grammar === undefined ? undefined : await import("./constraint.ts");
  const stage =
    grammar === undefined ? run.calls : constraint?.grammarStage(grammar, tokenizer, run.ahead, run.thoughtId);
  const forbidden = settings.ignoreEos ? [...ends].map((id) => [id, Number.NEGATIVE_INFINITY] as const) : [];
  const logitBias = [...(settings.logitBias ?? []), ...forbidden]; // of all ends, not of one alone
  const sampler = createSampler({
    stages: samplingChain({ ...settings, ignoreEos: false, logitBias, ...(stage !== undefined && { grammar: stage }) }),
    seed: run.seed,
    nVocab: tokenizer.nVocab,
  });
  const stream = createTextStream(run.stop);
  const drawn = createTextStream();
  const nPromptTop = settings.promptLogprobs;
  const isAsked = (nTop ?? nPromptTop) !== undefined;
  const logprobs = isAsked ? await import("./logprobs.ts") : undefined;
  const all: TokenLogprob[] = [];
  let fresh: TokenLogprob[] = []; // since the latest text
  const ofPrompt: TokenLogprob[] = [];
  const calls: ToolCall[] = [];
  let text = "";
  let reasoning = "";
  let reasoningTokens = 0;
  let begun: string | undefined; // the call that is shown as it grows
  let ended: "eos" | "stop" | undefined;

  const showText = (more: string): void => {
    if (more === "" && fresh.length === 0) return;
    text += more;
    task.emit({ type: "text", text: more, ...(fresh.length > 0 && { logprobs: fresh }) });
    fresh = [];
  };
  const show = (more: string, isEnd = false): void => {
    if (parser === undefined) {
      if (more !== "") showText(more);
      return;
    }
    for (const part of [...parser.push(more), ...(isEnd ? parser.end() : [])]) {
      if (part.type === "text") showText(part.text);
      else if (part.type === "tool-call") {
        const { call } = part;
        calls.push(call);
        if (call.id !== begun) {
          task.emit({ type: "tool-call-start", id: call.id, name: call.name });
          task.emit({ type: "tool-call-delta", id: call.id, delta: call.argumentsText });
        }
        task.emit(part);
      } else {
        if (part.type === "reasoning") reasoning += part.text;
        if (part.type === "tool-call-start") begun = part.id;
        task.emit(part);
      }
    }
  };

  const report = await engine.run({
    prompt,
    sampler,
    maxTokens,
    priority,
    reuse,
    client: settings.client,
    drafts: settings.drafts ?? true,
    signal: task.signal,
    onPrompt: (done, cached) => task.emit({ type: "prompt", total: prompt.length, cached, done }),
    ...(nPromptTop !== undefined && {
      onPromptLogits(logits: Float32Array) {
        const next = prompt[ofPrompt.length + 1];
        if (next !== undefined && logprobs) ofPrompt.push(logprobs.logprobOf(next, logits, nPromptTop, tokenizer));
      },
    }),
    onToken(id, logits) {
      if (parser?.isThinking === true) reasoningTokens++;
      if (nTop !== undefined && logprobs) {
        const one = logprobs.logprobOf(id, logits, nTop, tokenizer);
        all.push(one);
        fresh.push(one);
      }
      if (ends.has(id)) {
        ended = "eos";
        return true;
      }
      const bytes = tokenizer.tokenBytes(id, { special });
      run.ahead?.push(drawn.push(bytes).text);
      const step = stream.push(bytes);
      show(step.text);
      const isOver = step.stopped || (run.isOne === true && calls.length > 0);
      if (isOver) ended = "stop";
      return isOver;
    },
  });
  const wasCalling = parser?.isCalling === true;
  const nCalls = calls.length;
  show(ended === "stop" ? "" : stream.flush(), true);
  if (fresh.length > 0) showText("");
  const { cachedTokens, drawnTokens: completionTokens, draftedTokens, acceptedTokens } = report;
  const { queueMs, promptMs, generateMs } = report;
  return {
    text,
    reasoning,
    calls,
    isCallCut: wasCalling && calls.length === nCalls,
    finish: ended ?? "length",
    usage: {
      ...{ promptTokens: prompt.length, cachedTokens, completionTokens, reasoningTokens },
      ...{ draftedTokens, acceptedTokens },
    },
    timings: { queueMs, promptMs, generateMs },
    logprobs: all,
    promptLogprobs: ofPrompt,
  };
}
