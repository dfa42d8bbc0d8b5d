// A ggml, ggmf or ggjt file as a model file. All of them are of the family "llama".

import type { ByteSource } from "@ll/bytes";
import { type GgmlFile, type OpenGgmlOptions, openGgml } from "@ll/ggml-format";
import { configFromGgml } from "@ll/llama";
import { createTokenizer } from "@ll/tokenizer";
import { TRAINED_CONTEXT_TOKENS } from "./container.ts";
import type { ModelFile } from "./model-file.ts";
import { whyNotRun } from "./why-not-run.ts";

/** @throws as `openGgml` */
export async function openGgmlModelFile(source: ByteSource, options: OpenGgmlOptions): Promise<ModelFile> {
  return ggmlModelFile(await openGgml(source, options));
}

function ggmlModelFile(file: GgmlFile): ModelFile {
  const { hyperParams } = file;
  const { nHead, nEmbd, nVocab } = hyperParams;
  const [keyRows] = file.tensor("layers.0.attention.wk.weight")?.shape ?? [];
  const nStoredKvHeads = keyRows === undefined ? undefined : (keyRows * nHead) / nEmbd;
  const config: ModelFile["config"] = (overrides) =>
    configFromGgml(hyperParams, {
      ...(nStoredKvHeads !== undefined && Number.isInteger(nStoredKvHeads) && { nKvHeads: nStoredKvHeads }),
      ...overrides,
    });
  return {
    name: file.name,
    byteLength: file.byteLength,
    container: "ggml",
    containerName: file.container.name,
    ggml: file,
    gguf: undefined,
    architecture: "llama",
    nHeads: nHead,
    nStoredKvHeads,
    tensors: file.tensors,
    source: file,
    vocabulary: { kind: "llama", pre: undefined, nPieces: nVocab },
    templates: { main: undefined, named: new Map() },
    sampling: {},
    trainedContextTokens: TRAINED_CONTEXT_TOKENS,
    pooling: undefined,
    warnings: file.warnings,
    damage: file.damage,
    config,
    tokenizer: async (options) => createTokenizer(file.vocab, options),
    whyNotRun: () => file.damage?.summary ?? whyNotRun(file, config, () => undefined),
    assertUnchanged: () => file.assertUnchanged(),
  };
}
