// From a model file to a model to talk to, in one call.

import type { AbortSignal as Signal, TensorSource } from "@ll/bytes";
import {
  type ConfigOverrides,
  type KvTypes,
  type LoadModelEvent,
  type LoadModelOptions,
  loadModel,
  type ModelConfig,
} from "@ll/llama";
import { type ModelFile, type ModelInput, openModelFile, typeMix } from "@ll/model";
import type { FilesBeside } from "./beside.ts";
import type { ChatModel, ModelInfo } from "./chat-model.ts";
import type { TemplateOptions } from "./choose-template.ts";
import type { ContextWish } from "./context-size.ts";
import { createChatModel } from "./create-chat-model.ts";
import type { AnswerSampling } from "./generate.ts";
import type { SchedulerOptions } from "./scheduler.ts";

export type { ModelInput };

/** @typeParam From what files are given as */
export interface OpenOptions<From = ModelInput> extends TemplateOptions, FilesBeside<From> {
  /** Default: the file's, at most 4096, lowered to what memory holds. */
  readonly contextTokens?: number | undefined;
  /** Sequences generated at the same time. Default 4. */
  readonly parallel?: number | undefined;
  readonly threads?: number | undefined;
  readonly offMainThread?: LoadModelOptions["offMainThread"];
  readonly kernels?: LoadModelOptions["kernels"];
  readonly arithmetic?: LoadModelOptions["arithmetic"];
  readonly kvType?: KvTypes | undefined;
  readonly workerUrl?: LoadModelOptions["workerUrl"];
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
 * Opens a ggml, ggmf, ggjt or GGUF file, or the files of a split GGUF set, given in order. Each is read once, while it loads.
 * @throws FormatError, ModelError, MemoryError, IoError; TypeError, RangeError for options that cannot be meant; the signal's reason
 */
export async function openModel(
  from: ModelInput | readonly ModelInput[],
  options: OpenOptions = {},
): Promise<ChatModel> {
  if (typeof from === "string") throw new TypeError(`"from": a path is for openModel of @ll/chat/node`);
  return openFile(await openModelFile(from), options, (other) => other);
}

/**
 * @param file whoever opened it closes it
 * @param input what files beside it are opened by, which the caller closes
 */
export async function openFile<From>(
  file: ModelFile,
  options: OpenOptions<From>,
  input: (from: From) => ModelInput | Promise<ModelInput>,
): Promise<ChatModel> {
  const {
    parallel = DEFAULT_PARALLEL,
    kernels,
    arithmetic,
    kvType,
    signal,
    onEvent,
    workerUrl,
    offMainThread,
  } = options;
  for (const [name, value] of Object.entries({ parallel, contextTokens: options.contextTokens ?? 1 })) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`"${name}" expected an integer >= 1, got ${value}`);
  }
  const { lora, lookup, draft } = options;
  const beside = lora || lookup || draft ? await import("./beside.ts") : undefined;
  const config = file.config(options.config);
  const tokenizer = await file.tokenizer({ nVocab: config.nVocab });
  const { chooseTemplate } = await import("./choose-template.ts");
  const { template, warning } = await chooseTemplate(file.templates, tokenizer, options);
  const tensors = (await beside?.patched(file.source, config, options, input)) ?? file.source;
  const threads = options.threads ?? usefulThreads(tensors);
  const engine = { ...(threads !== undefined && { threads }), kernels, arithmetic };
  const small = await beside?.openDraft(options, input);
  const { contextTokens, warning: lowered } = await contextFor(file, config, options, engine, small);
  const loading = { ...engine, workerUrl, offMainThread, ...(signal !== undefined && { signal }) };
  const model = await loadModel(tensors, config, { ...loading, ...(onEvent !== undefined && { onEvent }) });
  let drafts: Awaited<ReturnType<NonNullable<typeof beside>["draftSources"]>> | undefined;
  try {
    drafts = await beside?.draftSources(model, tokenizer, options, loading, small);
    return createChatModel({
      model,
      tokenizer,
      template,
      kvType,
      drafts: drafts?.sources,
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
          ...[warning, lowered, drafts?.warning].filter((text) => text !== undefined),
        ],
      },
    });
  } catch (error) {
    await Promise.all([model.dispose(), drafts?.sources?.draft?.model.dispose()]);
    throw error;
  }
}

/** As many positions as were asked for; else as many as help. */
async function contextFor(
  { source, trainedContextTokens }: ModelFile,
  config: ModelConfig,
  { contextTokens, kvType, parallel = DEFAULT_PARALLEL, scheduler }: OpenOptions<unknown>,
  engine: Pick<LoadModelOptions, "threads" | "kernels" | "arithmetic">,
  draft: ContextWish["draft"],
): Promise<{ readonly contextTokens: number; readonly warning?: string }> {
  if (contextTokens !== undefined) return { contextTokens };
  const { fittingContext } = await import("./context-size.ts");
  const nContexts = Math.max(parallel, scheduler?.contexts ?? 0);
  return fittingContext(source, config, { trainedContextTokens, kvType, parallel: nContexts, draft, ...engine });
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
