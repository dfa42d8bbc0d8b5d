// From a model file to a model to talk to, in one call.

import type { AbortSignal as Signal, TensorSource } from "@ll/bytes";
import { type ConfigOverrides, type KvTypes, type LoadModelEvent, type LoadModelOptions, loadModel } from "@ll/llama";
import { type ChatTemplates, type ModelFile, type ModelInput, openModelFile, typeMix } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { ChatModel, ModelInfo } from "./chat-model.ts";
import { fittingContext } from "./context-size.ts";
import { createChatModel } from "./create-chat-model.ts";
import type { AnswerSampling } from "./generate.ts";
import type { SchedulerOptions } from "./scheduler.ts";
import type { ChatTemplate } from "./template/chat-template.ts";
import type { Template } from "./template/pattern-template.ts";

export type { ModelInput };

export interface OpenOptions {
  /** Default: the file's, at most 4096, lowered to what memory holds. */
  readonly contextTokens?: number | undefined;
  /** Sequences generated at the same time. Default 4. */
  readonly parallel?: number | undefined;
  readonly threads?: number | undefined;
  readonly kernels?: LoadModelOptions["kernels"];
  readonly arithmetic?: LoadModelOptions["arithmetic"];
  readonly kvType?: KvTypes | undefined;
  readonly workerUrl?: LoadModelOptions["workerUrl"];
  /** A name, or data. Default: the file's own, else "plain". */
  readonly template?: string | Template | ChatTemplate | undefined;
  /** What the file's template takes for the time of now. Default: the clock; fixed, the same prompt comes every day. */
  readonly date?: (() => Date) | undefined;
  /** Control tokens that people type become control tokens, and may forge turns. Default false. */
  readonly unsafe?: boolean | undefined;
  /** Where an old file does not say. */
  readonly config?: ConfigOverrides | undefined;
  /** Defaults of all answers. */
  readonly sampling?: AnswerSampling | undefined;
  /** The queue and the steps: for servers. */
  readonly scheduler?: SchedulerOptions | undefined;
  readonly onEvent?: ((event: LoadModelEvent) => void) | undefined;
  readonly signal?: Signal | undefined;
}

const DEFAULT_PARALLEL = 4;

/** Weights that keep one more thread busy for longer than it takes to start it and to wait for it at every barrier. */
const THREAD_BYTES = 16 * 1024 * 1024;

/**
 * Opens a ggml, ggmf, ggjt or GGUF file. The file is read once, while it loads.
 * @throws FormatError, ModelError, MemoryError, IoError; TypeError, RangeError for options that cannot be meant; the signal's reason
 */
export async function openModel(from: ModelInput, options: OpenOptions = {}): Promise<ChatModel> {
  if (typeof from === "string") throw new TypeError(`"from": a path is for openModel of @ll/chat/node`);
  return openFile(await openModelFile(from), options);
}

/** @param file whoever opened it closes it */
export async function openFile(file: ModelFile, options: OpenOptions): Promise<ChatModel> {
  const { parallel = DEFAULT_PARALLEL, kernels, arithmetic, kvType, signal, onEvent, workerUrl } = options;
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw new RangeError(`"parallel" expected an integer >= 1, got ${parallel}`);
  }
  const config = file.config(options.config);
  const tokenizer = await file.tokenizer({ nVocab: config.nVocab });
  const { template, warning } = await templateOf(file.templates, tokenizer, options);
  const tensors = file.source;
  const threads = options.threads ?? usefulThreads(tensors);
  const engine = { ...(threads !== undefined && { threads }), kernels, arithmetic };
  const nContexts = Math.max(parallel, options.scheduler?.contexts ?? 0);
  const { contextTokens, warning: lowered } = await (options.contextTokens === undefined
    ? fittingContext(tensors, config, {
        trainedContextTokens: file.trainedContextTokens,
        kvType,
        parallel: nContexts,
        ...engine,
      })
    : { contextTokens: options.contextTokens, warning: undefined });
  const model = await loadModel(tensors, config, {
    ...engine,
    workerUrl,
    ...(onEvent !== undefined && { onEvent }),
    ...(signal !== undefined && { signal }),
  });
  return createChatModel({
    model,
    tokenizer,
    template,
    kvType,
    scheduler: options.scheduler,
    // files of today were made for a chain without a penalty
    sampling: { ...(file.container === "gguf" && { repeatPenalty: 1 }), ...file.sampling, ...options.sampling },
    info: {
      name: file.name,
      container: file.containerName,
      contextTokens,
      parallel,
      ...weightsOf(tensors),
      threads: model.threads,
      kernels: model.kernels,
      pooling: file.pooling ?? "last",
      warnings: [
        ...file.warnings,
        ...(config.warnings ?? []),
        ...tokenizer.warnings,
        ...[warning, lowered].filter((text) => text !== undefined),
      ],
    },
  });
}

/** The template that was asked for; else the file's own, or a plain transcript. */
async function templateOf(
  templates: ChatTemplates,
  tokenizer: Tokenizer,
  { template: asked, date, unsafe }: OpenOptions,
): Promise<{ readonly template: ChatTemplate; readonly warning?: string }> {
  if (typeof asked === "object" && "render" in asked) return { template: asked };
  let reason = "the file has no chat template";
  if (asked === undefined && templates.main !== undefined) {
    const { isTemplateError, jinjaTemplate } = await import("./jinja.ts");
    try {
      return { template: jinjaTemplate({ ...templates, main: templates.main }, tokenizer, { date, unsafe }) };
    } catch (error) {
      if (!isTemplateError(error)) throw error;
      reason = error.message;
    }
  }
  const { patternTemplate } = await import("./templates.ts");
  if (asked !== undefined) return { template: patternTemplate(asked) };
  return { template: patternTemplate("plain"), warning: `${reason}: conversations are written as a plain transcript` };
}

/** How many weights there are, and of what type most of them. */
function weightsOf(source: TensorSource): Pick<ModelInfo, "nParameters" | "weightBytes" | "weightType"> {
  const mix = typeMix(Array.from(source.names()).flatMap((name) => source.tensor(name) ?? []));
  return {
    nParameters: mix.reduce((sum, { weights }) => sum + weights, 0),
    weightBytes: mix.reduce((sum, { bytes }) => sum + bytes, 0),
    weightType: mix[0]?.type ?? "",
  };
}

/** Threads that help with these weights; undefined for as many as there are. */
function usefulThreads(source: TensorSource): number | undefined {
  return weightsOf(source).weightBytes <= THREAD_BYTES ? 1 : undefined;
}
