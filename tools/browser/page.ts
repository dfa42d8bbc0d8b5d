// What a web page does with the packages: reads a model file's tensors, tokenises, quantises in memory, generates with workers.

import { blobSource, memorySink, memorySource } from "@ll/bytes";
import { quantizeModel } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, generate, type LoadModelOptions, loadModel } from "@ll/llama";
import { build803Chain, createSampler } from "@ll/sampling";
import { createTokenizer } from "@ll/tokenizer";

/** What the page found, for the test that looks at it. */
export interface PageResult {
  readonly isIsolated: boolean;
  readonly nTensors: number;
  readonly promptIds: readonly number[];
  readonly quantizedBytes: number;
  readonly threads: number;
  readonly kernels: string;
  /** Kinds of the events of `loadModel`, each once. */
  readonly events: readonly string[];
  readonly text: string;
}

const Q4_0_FTYPE = 2;
const Q4_K_FTYPE = 14;

/** Quantises `blob`, a ggjt file, to Q4_0 and continues a prompt: 120 tokens of the default chain from `seed`. */
export async function runPage(
  blob: Blob,
  prompt: string,
  seed: number,
  options: LoadModelOptions,
): Promise<PageResult> {
  const file = await openGgml(blobSource(blob));
  const tokenizer = createTokenizer(file.vocab);
  const promptIds = tokenizer.encode(prompt, { bos: true });

  const sink = memorySink();
  await quantizeModel(file, sink, { ftype: Q4_0_FTYPE });
  const quantized = await openGgml(memorySource(sink.bytes()));

  const events = new Set<string>();
  const model = await loadModel(quantized, configFromGgml(quantized.hyperParams), {
    ...options,
    onEvent: ({ kind }) => void events.add(kind),
  });
  const context = await model.createContext();
  const sampler = createSampler({ stages: build803Chain(), seed, nVocab: model.config.nVocab });
  let text = prompt;
  const tokenBytes = (id: number): Uint8Array => tokenizer.tokenBytes(id);
  for await (const token of generate(context, promptIds, {
    sampler,
    tokenBytes,
    ends: tokenizer.special.ends,
    maxTokens: 120,
  }))
    text += token.text;
  const { kernels } = model;
  await model.dispose();
  return {
    isIsolated: globalThis.crossOriginIsolated,
    nTensors: file.tensors.length,
    promptIds: [...promptIds],
    quantizedBytes: sink.bytesWritten,
    threads: model.threads,
    kernels,
    events: [...events],
    text,
  };
}

/** Quantises `blob`, a ggjt file that is large enough for workers, with two of them. Returns SHA-256 of the result, in hex. */
export async function quantizePage(blob: Blob, workerUrl: string | undefined): Promise<string> {
  const file = await openGgml(blobSource(blob));
  const sink = memorySink();
  await quantizeModel(file, sink, { ftype: Q4_K_FTYPE, threads: 2, workerUrl });
  const digest = await crypto.subtle.digest("SHA-256", sink.bytes() as BufferSource);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Object.assign(globalThis, { runPage, quantizePage });
