// Opens a model file, with an adapter if one is asked for, and says what is in it, as build 803 does.

import { availableParallelism } from "node:os";
import { fileTypeLabel } from "@ll/architectures";
import { closeAll, isIoError, printable, type TensorSource } from "@ll/bytes";
import type { FileSource } from "@ll/bytes/node";
import { fittingContext } from "@ll/chat/conversation";
import { modelSizeLabel } from "@ll/ggml-format";
import {
  createScalarModel,
  isModelError,
  kvCacheBytes,
  type LoadModelEvent,
  loadModel as loadTeam,
  loadWeights,
  type Model,
  type ModelConfig,
  modelMemory,
} from "@ll/llama";
import type { ChatTemplates, ModelContainer, SamplingFacts } from "@ll/model";
import type { OpenedModelFile } from "@ll/model/node";
import type { Tokenizer } from "@ll/tokenizer";
import type { Io } from "../command.ts";
import { ReportedError } from "../errors.ts";
import { modelPath, openModelSource } from "../model-path.ts";
import { createProgress, type Progress } from "../progress.ts";
import { NOWHERE, shownModel } from "../terminal.ts";
import { type LoadedFacts, loadLines } from "./load-lines.ts";
import { applyLora } from "./lora-loading.ts";
import { type RunnableModel, readModelFile } from "./model-file.ts";
import { DEFAULT_MODEL, kvTypes, type RunParams } from "./params.ts";

export interface LoadedModel {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly threads: number;
  /** What computes: a tier of @ll/quant's kernels, such as `wide`. */
  readonly kernels: string;
  readonly warnings: readonly string[];
  /** Of the files that the model is in: one, unless it is a set. */
  readonly paths: readonly string[];
  readonly container: ModelContainer;
  readonly templates: ChatTemplates;
  /** How its makers sample. */
  readonly sampling: SamplingFacts;
}

/**
 * @param shown where a terminal shows how far it has come, if it takes long: `io`, unless that says nothing
 * @throws ReportedError with the reader's error, which has then been told in build 803's lines.
 */
export async function loadModel(params: RunParams, io: Io, shown: Io = io): Promise<LoadedModel> {
  const files: FileSource[] = [];
  let stage: keyof typeof FAILURES = "model";
  let hint: string | undefined;
  let opened: OpenedModelFile | undefined;
  try {
    params.model = await modelPath(params.model, shown, params.quiet);
    const source = await openModelSource(params.model);
    // closed with its set
    io.err.write(`llama.cpp: loading model from ${printable(params.model, 4096)}\n`);
    const runnable = await readModelFile(source, params);
    opened = runnable.file;
    hint = runnable.hint;
    const { config, tokenizer } = runnable;
    const { source: tensors, paths, container, templates, sampling, trainedContextTokens } = opened;
    if (params.contextTokens === 0) params.contextTokens = trainedContextTokens;
    const warnings = [...runnable.warnings, ...(await chooseContext(params, tensors, config, trainedContextTokens))];
    const facts = { tokenizer, warnings, paths, container, templates, sampling };
    for (const line of loadLines(await factsOf(runnable, params), params)) io.err.write(`${line}\n`);

    if (params.lora === undefined) return { ...(await loadEngine(tensors, config, params, shown)), ...facts };
    stage = "adapter";
    const lora = await applyLora(tensors, config, { adapter: params.lora, base: params.loraBase }, io, files);
    const engine = await loadEngine(lora.tensors, config, params, shown);
    lora.finish();
    return { ...engine, ...facts };
  } catch (error) {
    io.err.write(FAILURES[stage](printable(error instanceof Error ? error.message : String(error), 512), params));
    io.err.write("main: error: unable to load model\n");
    const isUnnamed = params.model === DEFAULT_MODEL && isIoError(error);
    const advice = isUnnamed
      ? "no model was named: give one as the first argument, or behind -m"
      : isModelError(error)
        ? hint
        : undefined;
    if (advice !== undefined) io.err.write(`${advice}\n`);
    throw new ReportedError(error);
  } finally {
    await closeAll(files);
    await opened?.close();
  }
}

/** Negative: as many positions as help. @returns what is to be said of that */
async function chooseContext(
  params: RunParams,
  tensors: TensorSource,
  config: ModelConfig,
  trainedContextTokens: number,
): Promise<string[]> {
  if (params.contextTokens >= 0) return [];
  const { threads = usefulThreads(tensors), kernels, arithmetic, memoryF32 } = params;
  const wish = {
    trainedContextTokens,
    parallel: 1,
    threads,
    kernels,
    arithmetic,
    kvType: memoryF32 ? "f32" : "f16",
  } as const;
  const { contextTokens, warning } = await fittingContext(tensors, config, wish);
  params.contextTokens = contextTokens;
  return warning === undefined ? [] : [warning];
}

async function loadEngine(
  tensors: TensorSource,
  config: ModelConfig,
  params: RunParams,
  io: Io,
): Promise<Pick<LoadedModel, "model" | "threads" | "kernels">> {
  let progress: Progress | undefined;
  const onWeights = (bytes: number, total: number): void => {
    progress ??= createProgress(io, { total, enabled: io.err.isTty && !params.quiet });
    progress.update(bytes, `loading the model: ${Math.floor((100 * bytes) / total)} %`);
  };
  try {
    const { kernels, arithmetic, sumInputs, threads = usefulThreads(tensors) } = params;
    // the one quirk of build 803 that only the readable engine repeats
    const { k, v } = kvTypes(params);
    if (params.compat && k === "f32" && v === "f32") {
      const weights = await loadWeights(tensors, config, {
        onEvent: ({ bytesLoaded, bytesTotal }) => onWeights(bytesLoaded, bytesTotal),
      });
      return { model: createScalarModel(weights, { arithmetic }), threads: 1, kernels: "scalar" };
    }
    const onEvent = (event: LoadModelEvent): void => {
      if (event.kind === "weights-loaded") onWeights(event.bytes, event.total);
    };
    const model = await loadTeam(tensors, config, { threads, kernels, arithmetic, sumInputs, onEvent });
    return { model, threads: model.threads, kernels: model.kernels };
  } finally {
    progress?.finish();
  }
}

/** Weights that keep one more thread busy for longer than it takes to start it and to wait for it at every barrier. */
const THREAD_BYTES = 16 * 1024 * 1024;

/** Threads that help with these weights: what a run takes if it is not told. */
export function usefulThreads(tensors: TensorSource): number {
  let bytes = 0;
  for (const name of tensors.names()) bytes += tensors.tensor(name)?.byteLength ?? 0;
  return Math.min(availableParallelism(), Math.max(1, Math.ceil(bytes / THREAD_BYTES))); // a file may have no weights
}

/** What is said when it fails, before the last line. */
const FAILURES = {
  model: (reason: string, { model }: RunParams): string =>
    `error loading model: ${reason}\nllama_load_model_from_file: failed to load model\n` +
    `llama_init_from_gpt_params: error: failed to load model '${shownModel(model)}'\n`,
  adapter: (reason: string): string =>
    `llama_apply_lora_from_file_internal: ${reason}\nllama_init_from_gpt_params: error: failed to apply lora adapter\n`,
} as const;

async function factsOf({ file, config, warnings }: RunnableModel, params: RunParams): Promise<LoadedFacts> {
  const tensors = file.source;
  const { threads = usefulThreads(tensors), kernels, arithmetic, contextTokens, compat } = params;
  const kvType = kvTypes(params);
  return {
    containerName: file.container === "gguf" ? file.containerName.toLowerCase() : file.containerName,
    config,
    warnings,
    ftypeLabel: fileTypeLabel(config.ftype),
    sizeLabel: config.nLayers === 80 && config.nHeads === 8 * config.nKvHeads ? "70B" : modelSizeLabel(config.nLayers),
    nTensors: file.tensors.length,
    tensorBytes: file.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0),
    kvBytes: kvCacheBytes(config, contextTokens, kvType),
    memory: compat
      ? undefined
      : await modelMemory(tensors, config, { threads, kernels, arithmetic, contextTokens, kvType }),
  };
}

/** Of what is said meanwhile, only warnings are shown, and on a terminal how far it has come. @throws whatever the readers throw, for the frame to report */
export async function loadQuietly(params: RunParams, io: Io, warns: boolean = !params.quiet): Promise<LoadedModel> {
  try {
    const loaded = await loadModel(params, { ...io, err: NOWHERE }, io);
    if (warns) for (const text of loaded.warnings) io.err.write(`warning: ${printable(text, 512)}\n`);
    return loaded;
  } catch (error) {
    throw error instanceof ReportedError ? error.cause : error;
  }
}
