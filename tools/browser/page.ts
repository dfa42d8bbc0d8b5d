// What a web page does with the packages: reads a model file's tensors, tokenises, quantises in memory, generates with workers.

import { blobSource, memorySink, memorySource } from "@ll/bytes";
import { quantizeModel } from "@ll/convert";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, generate, loadModel } from "@ll/llama";
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
  readonly text: string;
}

const Q4_0_FTYPE = 2;

/** Quantises `blob`, a ggjt file, to Q4_0 and continues a prompt: 120 tokens of the default chain from `seed`. */
export async function runPage(blob: Blob, prompt: string, seed: number, threads: number): Promise<PageResult> {
  const file = await openGgml(blobSource(blob));
  const tokenizer = createTokenizer(file.vocab);
  const promptIds = tokenizer.encode(prompt, { bos: true });

  const sink = memorySink();
  await quantizeModel(file, sink, { ftype: Q4_0_FTYPE });
  const quantized = await openGgml(memorySource(sink.bytes()));

  const model = await loadModel(quantized, configFromGgml(quantized.hyperParams), { threads });
  const context = await model.createContext();
  const sampler = createSampler({ stages: build803Chain(), seed, nVocab: model.config.nVocab });
  let text = prompt;
  const tokenBytes = (id: number): Uint8Array => tokenizer.tokenBytes(id);
  for await (const token of generate(context, promptIds, { sampler, tokenBytes, maxTokens: 120 })) text += token.text;
  const { kernels } = model;
  await model.dispose();
  return {
    isIsolated: globalThis.crossOriginIsolated,
    nTensors: file.tensors.length,
    promptIds: [...promptIds],
    quantizedBytes: sink.bytesWritten,
    threads: model.threads,
    kernels,
    text,
  };
}

Object.assign(globalThis, { runPage });
