// From a model file to a model to talk to, in one call.

import {
  type Blob as BlobType,
  type ByteSource,
  blobSource,
  httpSource,
  memorySource,
  type AbortSignal as Signal,
  type TensorSource,
  type URL as UrlType,
} from "@ll/bytes";
import { type ConfigOverrides, type LoadModelEvent, type LoadModelOptions, loadModel, modelMemory } from "@ll/llama";
import type { ChatModel } from "./chat-model.ts";
import { createChatModel } from "./create-chat-model.ts";
import type { AnswerSampling } from "./generate.ts";
import { type OpenedFile, openFile } from "./open-file.ts";
import type { ChatTemplate } from "./template/chat-template.ts";
import type { Template } from "./template/pattern-template.ts";

export type ModelInput = BlobType | UrlType | ByteSource | Uint8Array;

export interface OpenOptions {
  /** Default: the file's, at most 4096, lowered to what memory holds. */
  readonly contextTokens?: number | undefined;
  /** Sequences generated at the same time. Default 4. */
  readonly parallel?: number | undefined;
  readonly threads?: number | undefined;
  readonly kernels?: LoadModelOptions["kernels"];
  readonly arithmetic?: LoadModelOptions["arithmetic"];
  readonly kvType?: "f16" | "f32" | undefined;
  readonly workerUrl?: LoadModelOptions["workerUrl"];
  /** A name, or data. Default: what the file's own shows, else "plain". */
  readonly template?: string | Template | ChatTemplate | undefined;
  /** Where an old file does not say. */
  readonly config?: ConfigOverrides | undefined;
  /** Defaults of all answers. */
  readonly sampling?: AnswerSampling | undefined;
  readonly onEvent?: ((event: LoadModelEvent) => void) | undefined;
  readonly signal?: Signal | undefined;
}

const MOST_CONTEXT_TOKENS = 4096;
const LEAST_CONTEXT_TOKENS = 256;
const DEFAULT_PARALLEL = 4;

/** Weights that keep one more thread busy for longer than it takes to start it and to wait for it at every barrier. */
const THREAD_BYTES = 16 * 1024 * 1024;

/** All that a model and its contexts may take: WebAssembly memories of a process beyond it are refused by most systems. */
const MOST_CONTEXT_BYTES = 2 ** 31;

/**
 * Opens a ggml, ggmf, ggjt or GGUF file. The file is read once, while it loads.
 * @throws FormatError, ModelError, MemoryError, IoError; TypeError, RangeError for options that cannot be meant; the signal's reason
 */
export async function openModel(from: ModelInput, options: OpenOptions = {}): Promise<ChatModel> {
  return openSource(await sourceOf(from), options);
}

async function sourceOf(from: ModelInput): Promise<ByteSource> {
  if (from instanceof Uint8Array) return memorySource(from);
  if (from instanceof URL) return httpSource(from);
  if (typeof Blob === "function" && from instanceof Blob) {
    return blobSource(from, "name" in from ? String(from.name) : "blob");
  }
  if (typeof (from as ByteSource | undefined)?.read === "function") return from as ByteSource;
  throw new TypeError(`"from" expected a Blob, a URL, bytes or a ByteSource; paths are for openModel of @ll/chat/node`);
}

export async function openSource(source: ByteSource, options: OpenOptions): Promise<ChatModel> {
  const { parallel = DEFAULT_PARALLEL, kernels, arithmetic, kvType, signal, onEvent, workerUrl } = options;
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw new RangeError(`"parallel" expected an integer >= 1, got ${parallel}`);
  }
  const file = await openFile(source, options.config);
  const { config, tensors, tokenizer } = file;
  const { template, warning } = await templateOf(file, options.template);
  const threads = options.threads ?? usefulThreads(tensors);
  const engine = { ...(threads !== undefined && { threads }), kernels, arithmetic };
  const { contextTokens, warning: lowered } = await contextFor(file, options, engine);
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
    // files of today were made for a chain without a penalty
    sampling: { ...(file.container.startsWith("gguf") && { repeatPenalty: 1 }), ...options.sampling },
    info: {
      name: source.name,
      container: file.container,
      contextTokens,
      parallel,
      threads: model.threads,
      kernels: model.kernels,
      pooling: file.pooling,
      warnings: [...file.warnings, ...[warning, lowered].filter((text) => text !== undefined)],
    },
  });
}

/** The template that was asked for, or the pattern that the file's own shows. */
async function templateOf(
  { chatTemplate, tokenizer }: OpenedFile,
  asked: OpenOptions["template"],
): Promise<{ readonly template: ChatTemplate; readonly warning?: string }> {
  if (typeof asked === "object" && "render" in asked) return { template: asked };
  const { patternTemplate } = await import("./templates.ts");
  if (asked !== undefined) return { template: patternTemplate(asked) };
  const isChatMl = chatTemplate?.includes("<|im_start|>") && tokenizer.special.idOf("<|im_start|>") !== undefined;
  if (isChatMl) return { template: patternTemplate("chatml") };
  if (chatTemplate?.includes("[INST]")) return { template: patternTemplate("llama-2") };
  const warning =
    chatTemplate === undefined
      ? "the file has no chat template: conversations are written as a plain transcript"
      : "the file's chat template is of a kind that is not rendered: conversations are written as a plain transcript";
  return { template: patternTemplate("plain"), warning };
}

/** As many positions as were asked for; else the file's, as long as a context holds them. */
async function contextFor(
  { tensors, config, trainedContext }: OpenedFile,
  { contextTokens, kvType, parallel = DEFAULT_PARALLEL }: OpenOptions,
  engine: Pick<LoadModelOptions, "threads" | "kernels" | "arithmetic">,
): Promise<{ readonly contextTokens: number; readonly warning?: string }> {
  if (contextTokens !== undefined) return { contextTokens };
  const wanted = Math.min(trainedContext, MOST_CONTEXT_TOKENS);
  for (let n = wanted; ; n = Math.floor(n / 2)) {
    const { context } = await modelMemory(tensors, config, { ...engine, contextTokens: n, kvType });
    if (context * parallel <= MOST_CONTEXT_BYTES || n <= LEAST_CONTEXT_TOKENS) {
      const warning = `the context has ${n} positions of ${wanted}, which is what memory holds`;
      return n === wanted ? { contextTokens: n } : { contextTokens: n, warning };
    }
  }
}

/** Threads that help with these weights; undefined for as many as there are. */
function usefulThreads(tensors: TensorSource): number | undefined {
  let bytes = 0;
  for (const name of tensors.names()) bytes += tensors.tensor(name)?.byteLength ?? 0;
  return bytes <= THREAD_BYTES ? 1 : undefined;
}
