// The chunks of a text scored one by one, by whoever hands them out: what ll-perplexity prints is made of their scores.

import type { Io } from "../../command.ts";
import { readModelFile } from "../../inference/model-file.ts";
import { loadModel } from "../../inference/model-loading.ts";
import { defaultParams, type RunParams } from "../../inference/params.ts";
import { openContext } from "../../inference/run-model.ts";
import { kernelName } from "../../kernel-tier.ts";
import { encodeText } from "../../long-text.ts";
import { openModelSource } from "../../model-path.ts";
import { quietly } from "../../quiet.ts";
import { cutChunks, foretell, tooShort } from "./chunks.ts";

export interface ScorerOptions extends Pick<RunParams, "model" | "threads" | "arithmetic"> {
  readonly contextTokens: number;
  readonly kvType: NonNullable<RunParams["cacheTypeK"]>;
}

export interface WindowScorer {
  readonly facts: Readonly<Record<string, string | number>>;
  /** The log-probability of each scored token. */
  score(window: Int32Array, signal: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * The windows of a text, by the tokenizer of a model whose weights stay where they are.
 * @param maxWindows negative: all
 * @throws Refusal for a text that fills none
 */
export async function windowsOf(
  text: Uint8Array,
  { model, contextTokens, maxWindows }: { model: string; contextTokens: number; maxWindows: number },
): Promise<Int32Array[]> {
  const { file, tokenizer } = await readModelFile(await openModelSource(model), { ...defaultParams(), model });
  try {
    const tokens = await encodeText(tokenizer, text, { bos: tokenizer.addBos });
    const windows = cutChunks(tokens, contextTokens, maxWindows);
    if (tokens.length < contextTokens) throw tooShort(tokens.length, contextTokens);
    return windows;
  } finally {
    await file.close();
  }
}

/** @throws ReportedError, with the reader's error that was told */
export async function openWindowScorer(
  { model: path, contextTokens, threads, arithmetic, kvType }: ScorerOptions,
  io: Io,
): Promise<WindowScorer> {
  const params: RunParams = {
    ...defaultParams(),
    ...{ model: path, contextTokens, threads, arithmetic, cacheTypeK: kvType, cacheTypeV: kvType },
    kernels: kernelName(io.env),
  };
  const loaded = await quietly(io, (heard) => loadModel(params, heard, io));
  const { model, tokenizer, kernels } = loaded;
  try {
    const context = await openContext(model, params);
    const batchTokens = Math.min(params.batchTokens, contextTokens);
    return {
      facts: { arithmetic: model.arithmetic, kernels, threads: loaded.threads },
      score: (window, signal) => foretell({ context, model, tokenizer }, window, batchTokens, signal),
      close: () => model.dispose(),
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}
