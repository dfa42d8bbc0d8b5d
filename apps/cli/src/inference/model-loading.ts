// Opens a model file for ll-main and says what is in it, as build 803 does.

import { openFileSource } from "@ll/bytes/node";
import { ffnSize, ftypeLabel, type GgmlFile, modelSizeLabel, openGgml } from "@ll/ggml-format";
import { configFromGgml, createScalarModel, loadWeights, type Model } from "@ll/llama";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import type { Io } from "../command.ts";
import { ReportedError } from "../errors.ts";
import { type LoadedFacts, loadLines } from "./load-lines.ts";
import type { RunParams } from "./params.ts";

export interface LoadedModel {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
}

export async function loadModel(params: RunParams, io: Io): Promise<LoadedModel> {
  const source = await openFileSource(params.model).catch((error: unknown) => failLoading(params, io, error));
  try {
    io.err.write(`llama.cpp: loading model from ${params.model}\n`);
    const file = await openGgml(source);
    const config = configFromGgml(file.hyperParams, {
      nKvHeads: file.hyperParams.nHead / params.gqa,
      rmsNormEps: params.rmsNormEps,
      ropeFreqBase: params.ropeFreqBase,
      ropeFreqScale: params.ropeFreqScale,
    });
    for (const line of loadLines(factsOf(file, params), params)) io.err.write(`${line}\n`);
    const model = createScalarModel(await loadWeights(file, config));
    return { model, tokenizer: createTokenizer(file.vocab) };
  } catch (error) {
    return failLoading(params, io, error);
  } finally {
    await source.close();
  }
}

/** Build 803's four lines, then the error's own exit code. */
function failLoading(params: RunParams, io: Io, error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  io.err.write(
    `error loading model: ${reason}\nllama_load_model_from_file: failed to load model\n` +
      `llama_init_from_gpt_params: error: failed to load model '${params.model}'\nmain: error: unable to load model\n`,
  );
  throw new ReportedError(error);
}

function factsOf(file: GgmlFile, params: RunParams): LoadedFacts {
  const h = file.hyperParams;
  const kvElements = (2 * h.nLayer * params.contextTokens * h.nEmbd) / params.gqa;
  return {
    containerName: file.container.name,
    hyperParams: h,
    ftypeLabel: ftypeLabel(h.ftype),
    nFf: ffnSize(h.nEmbd, h.nMult),
    sizeLabel: modelSizeLabel(h.nLayer),
    nTensors: file.tensors.length,
    tensorBytes: file.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0),
    kvBytes: kvElements * (params.memoryF32 ? 4 : 2),
  };
}
