// A model to talk to, over any engine: completions, chats, embeddings.

import { type KvTypes, kvTypeName, type Model } from "@ll/llama";
import type { Tokenizer } from "@ll/tokenizer";
import { type Answer, type AnswerResult, type AnswerTask, startAnswer } from "./answer.ts";
import type { ChatModel, ChatOptions, CompleteOptions, EmbedOptions, ModelInfo } from "./chat-model.ts";
import type { Embedder } from "./embed.ts";
import { Engine } from "./engine.ts";
import { disposed } from "./errors.ts";
import type { OutputFormat } from "./format/output-format.ts";
import type { CallMaker, OutputParser } from "./format/output-part.ts";
import { PlainParser } from "./format/output-writer.ts";
import { type AnswerSampling, generate, type RunResult, seedOf } from "./generate.ts";
import { type AssistantMessage, checkedMessages, checkedTools, type Message, type Tools } from "./messages.ts";
import type { SchedulerOptions } from "./scheduler.ts";
import { argumentsSchema, jsonSchemaOf, type Schema, type SchemaOutput } from "./schema.ts";
import { createSession } from "./session.ts";
import type { DraftSources } from "./slot-pool.ts";
import type { ChatTemplate, TemplateTool } from "./template/chat-template.ts";

export interface ChatModelParts {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly info: Omit<
    ModelInfo,
    "template" | "architecture" | "fingerprint" | "arithmetic" | "kvType" | "nEmbd" | "sampling"
  >;
  /** Defaults of all answers. */
  readonly sampling?: AnswerSampling | undefined;
  readonly kvType?: KvTypes | undefined;
  readonly scheduler?: SchedulerOptions | undefined;
  /** Guesses of the next tokens. A model that makes them is disposed of with the other. */
  readonly drafts?: DraftSources | undefined;
}

const DEFAULT_ROUNDS = 8;

/** @throws RangeError */
export function createChatModel(parts: ChatModelParts): ChatModel {
  const { model, tokenizer, template, info, sampling, kvType, scheduler, drafts } = parts;
  const { contextTokens, parallel } = info;
  const engine = new Engine(model, { ...scheduler, contextTokens, parallel, kvType, drafts });

  /** The same with seeds that follow each other; the first is the answer, the others its alternatives. */
  function startAll<S extends Schema>(
    options: ChatOptions<S>,
    run: (seed: number, task: AnswerTask) => Promise<AnswerResult>,
  ): Answer<SchemaOutput<S>> {
    const { n = 1, schema, signal } = options;
    const all = async (task: AnswerTask): Promise<AnswerResult> => {
      if (!Number.isInteger(n) || n < 1) throw new RangeError(`"n" expected an integer >= 1, got ${n}`);
      const seed = seedOf(options.seed);
      const silent: AnswerTask = { signal: task.signal, emit: () => undefined };
      const runs = Array.from({ length: n }, (_, i) => run((seed + i) >>> 0, i === 0 ? task : silent));
      const [first, ...alternatives] = await Promise.all(runs);
      const result = { ...(first as AnswerResult), alternatives };
      task.emit({ type: "finish", finish: result.finish });
      return result;
    };
    const jsonOf = async (result: AnswerResult): Promise<SchemaOutput<S>> =>
      (await import("./answer-json.ts")).jsonOf(schema, result) as Promise<SchemaOutput<S>>;
    return startAnswer(all, jsonOf, signal);
  }

  function complete<S extends Schema>(
    prompt: string | ArrayLike<number>,
    options: CompleteOptions<S> = {},
  ): Answer<SchemaOutput<S>> {
    const settings: ChatOptions<S> = { ...sampling, ...options };
    return startAll(settings, async (seed, task) => {
      const warnings: string[] = [];
      const ids = typeof prompt === "string" ? [...tokenizer.encode(prompt, { prompt: true })] : Array.from(prompt);
      const withGrammar = { ...settings, ...(await grammarOf(settings, (warning) => warnings.push(warning))) };
      const stop = settings.stop ?? [];
      const made = await generate(
        { engine, tokenizer, prompt: ids, options: withGrammar, seed, stop, parser: undefined },
        task,
      );
      return { ...resultOf(made, seed, warnings), messages: [{ role: "assistant", content: made.text }] };
    });
  }

  function chat<S extends Schema>(
    from: string | readonly Message[],
    options: ChatOptions<S> = {},
  ): Answer<SchemaOutput<S>> {
    const settings: ChatOptions<S> = { ...sampling, ...options };
    return startAll(settings, (seed, task) => converse(checkedMessages(from), settings, seed, task));
  }

  /** Asks, runs tools, and asks again. */
  async function converse(
    from: readonly Message[],
    options: ChatOptions,
    seed: number,
    task: AnswerTask,
  ): Promise<AnswerResult> {
    const { toolChoice = "auto", maxRounds = DEFAULT_ROUNDS } = options;
    const tools = toolChoice === "none" ? {} : checkedTools(options.tools ?? {});
    const warnings: string[] = [];
    const messages: Message[] = [];
    const conversation = withSystem(from, options.system ?? template.system);
    const schemas = new Map(Object.entries(tools).map(([name, tool]) => [name, argumentsSchema(tool.parameters)]));
    const areObjects = [...schemas].every(([, { type }]) => type === "object");
    const isPlain = template.format === undefined && schemas.size === 0;
    const formats = isPlain ? undefined : await import("./formats.ts");
    const format = template.format ?? (formats?.PLAIN_FORMAT as OutputFormat);
    let total: RunResult | undefined;
    for (let round = 0; ; round++) {
      const { ids: prompt, startsInThought } = renderPrompt([...conversation, ...messages], tools, options);
      // a call that was asked for is made once; then the model may say what it found
      const isForced = round === 0 && toolChoice !== "auto" && Object.keys(tools).length > 0;
      const warn = (warning: string): unknown => !warnings.includes(warning) && warnings.push(warning);
      const grammar = isForced
        ? { grammar: (await import("./tools.ts")).forcedCalls(format, tools, options, warn) }
        : await grammarOf(options, warn);
      const isMade = schemas.size > 0 && areObjects && grammar.grammar === undefined;
      const { madeCalls } = isMade ? await import("./constraint.ts") : {};
      const isOne = options.parallelToolCalls === false;
      const maker = madeCalls?.(format, tools, isOne, tokenizer, warn);
      const newParser = (maker?: CallMaker): OutputParser | undefined =>
        formats?.createOutputParser({
          ...{ format, tools: schemas, startsInThought },
          ...{ isForced: isForced && areObjects, maker },
        });
      const made = await generate(
        {
          engine,
          tokenizer,
          prompt,
          options: { ...options, ...grammar },
          seed,
          stop: [...(options.stop ?? []), ...template.stop],
          parser: newParser(maker?.shown) ?? new PlainParser(),
          // nothing goes by it without a constraint, nor where the grammar knows of thoughts itself
          ahead:
            (maker ?? grammar.grammar) === undefined || (isForced && format.channels) ? undefined : newParser(maker),
          calls: maker?.stage,
          isOne,
          thoughtId: options.think === false ? undefined : thoughtIdOf(template.format, tokenizer),
        },
        task,
      );
      total = total === undefined ? made : joined(total, made);
      messages.push(assistantMessage(made));
      const isWhole = made.calls.length > 0 && !made.isCallCut;
      const runnable = isWhole && made.calls.every(({ name }) => tools[name]?.run !== undefined);
      if (!runnable || round >= maxRounds) {
        const finish = isWhole ? ("tool-calls" as const) : made.finish;
        return { ...resultOf(total, seed, warnings), text: made.text, finish, toolCalls: made.calls, messages };
      }
      const { runTool } = await import("./tools.ts");
      for (const call of made.calls) messages.push(await runTool(call, tools, task));
    }
  }

  function renderPrompt(
    messages: readonly Message[],
    tools: Tools,
    { think, templateArguments }: Pick<ChatOptions, "think" | "templateArguments"> = {},
  ) {
    return template.render({ messages, tools: templateTools(tools), think, templateArguments }, tokenizer);
  }

  let ending: Promise<void> | undefined;
  let embedder: Embedder | undefined;
  async function embed(text: string | Int32Array, options?: EmbedOptions): Promise<Float32Array>;
  async function embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  async function embed(
    input: string | Int32Array | readonly string[],
    options: EmbedOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    const { Embedder } = await import("./embed.ts");
    if (ending !== undefined) throw disposed();
    embedder ??= new Embedder(model, tokenizer, engine);
    const from = embedder;
    const one = (text: string | Int32Array) => from.embed(text, { pooling: info.pooling, ...options });
    if (typeof input === "string" || input instanceof Int32Array) return one(input);
    const all: Float32Array[] = [];
    for (const text of input) all.push(await one(text));
    return all;
  }

  const dispose = (): Promise<void> => {
    ending ??= (async () => {
      await Promise.all([engine.dispose(), embedder?.dispose()]);
      await drafts?.draft?.model.dispose();
      await model.dispose();
    })();
    return ending;
  };
  const promptIds: ChatModel["promptIds"] = (messages, options = {}) =>
    renderPrompt(withSystem(checkedMessages(messages), template.system), checkedTools(options.tools ?? {})).ids;
  const chatModel: ChatModel = {
    info: {
      ...info,
      template: template.name,
      architecture: model.config.architecture,
      nEmbd: model.config.nEmbd,
      arithmetic: model.arithmetic,
      kvType: kvTypeName(kvType ?? "f16"),
      sampling: sampling ?? {},
      fingerprint: model.fingerprint?.toString(16).padStart(16, "0"),
    },
    tokenizer,
    complete,
    chat,
    session: (options = {}) => createSession(chatModel, options),
    embed,
    countTokens: (input, options) =>
      typeof input === "string" ? tokenizer.encode(input).length : promptIds(input, options).length,
    promptIds,
    stats: () => engine.stats,
    assertRoom: () => engine.assertRoom(),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
  return chatModel;
}

async function grammarOf(
  { schema, grammar }: ChatOptions,
  warn: (warning: string) => unknown,
): Promise<{ grammar?: string }> {
  if (schema !== undefined && grammar !== undefined) throw new TypeError(`"grammar" expected none beside "schema"`);
  if (schema === undefined) return grammar === undefined ? {} : { grammar };
  const { schemaGrammar } = await import("./constraint.ts");
  return { grammar: schemaGrammar(jsonSchemaOf(schema), warn) };
}

function thoughtIdOf(format: OutputFormat | undefined, tokenizer: Tokenizer): number | undefined {
  return format?.thought === undefined ? undefined : tokenizer.special.idOf(format.thought.open);
}

function withSystem(messages: readonly Message[], system: string): readonly Message[] {
  return system === "" || messages[0]?.role === "system"
    ? messages
    : [{ role: "system", content: system }, ...messages];
}

function templateTools(tools: Tools): TemplateTool[] {
  return Object.entries(tools).map(([name, { description, parameters }]) => ({
    type: "function",
    function: { name, ...(description !== undefined && { description }), parameters: jsonSchemaOf(parameters ?? {}) },
  }));
}

function assistantMessage({ text, reasoning, calls }: RunResult): AssistantMessage {
  return {
    role: "assistant",
    content: calls.length > 0 && text === "" ? null : text,
    ...(reasoning !== "" && { reasoning }),
    ...(calls.length > 0 && { toolCalls: calls }),
  };
}

function joined(a: RunResult, b: RunResult): RunResult {
  const add = <T extends Readonly<Record<string, number>>>(x: T, y: T): T =>
    Object.fromEntries(Object.entries(x).map(([key, value]) => [key, value + (y[key] ?? 0)])) as T;
  return {
    ...b,
    reasoning: [a.reasoning, b.reasoning].filter((text) => text !== "").join("\n\n"),
    usage: add({ ...a.usage }, { ...b.usage }),
    timings: add({ ...a.timings }, { ...b.timings }),
    logprobs: [...a.logprobs, ...b.logprobs],
  };
}

function resultOf(made: RunResult, seed: number, warnings: readonly string[]): AnswerResult {
  const { text, reasoning, finish, usage, timings, logprobs, promptLogprobs } = made;
  return {
    text,
    reasoning,
    finish,
    toolCalls: [],
    messages: [],
    usage,
    timings,
    seed,
    logprobs,
    promptLogprobs,
    warnings,
    alternatives: [],
  };
}
