// A model file of either kind as what an engine needs. What the options say goes before what the file says.

import type { TensorSource } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { metadataGetter, openGgufSet } from "@ll/gguf";
import { ggufSetPaths } from "@ll/gguf/node";
import { type ConfigOverrides, configFromGgml, configFromGguf, type ModelConfig } from "@ll/llama";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { ggufTokenizer } from "../gguf-tokenizer.ts";
import { containerOf, TRAINED_CONTEXT_TOKENS } from "../model-container.ts";
import type { RunParams } from "./params.ts";

export interface ModelFile {
  /** Such as `ggjt v3 (latest)`. */
  readonly containerName: string;
  readonly config: ModelConfig;
  readonly tensors: TensorSource;
  readonly tokenizer: Tokenizer;
  /** What may make the model compute something else than it should. */
  readonly warnings: readonly string[];
  /** Context that the model was trained for, in tokens. */
  readonly trainedContext: number;
  /** What to try if the tensors are not those of `config`. */
  readonly hint: string | undefined;
}

/**
 * @param source the file of `params.model`
 * @param files gets the other files of a set, for the caller to close once the tensors are loaded
 * @throws FormatError of the readers, ModelError, IoError
 */
export async function readModelFile(source: FileSource, params: RunParams, files: FileSource[]): Promise<ModelFile> {
  if ((await containerOf(source)) === "gguf") return readGguf(source, params, files);
  const file = await openGgml(source);
  const config = configFromGgml(file.hyperParams, overridesOf(params, file.hyperParams.nHead));
  return {
    containerName: file.container.name,
    config,
    tensors: file,
    tokenizer: createTokenizer(file.vocab, { nVocab: config.nVocab }),
    warnings: [],
    trainedContext: TRAINED_CONTEXT_TOKENS,
    hint: groupedQueryHint(file, config),
  };
}

async function readGguf(source: FileSource, params: RunParams, files: FileSource[]): Promise<ModelFile> {
  const sources: FileSource[] = [];
  for (const path of ggufSetPaths(source.path)) {
    if (path === source.path) sources.push(source);
    else {
      const other = await openFileSource(path);
      files.push(other);
      sources.push(other);
    }
  }
  const file = await openGgufSet(sources);
  const get = metadataGetter(file.metadata);
  const nHeads = Number(get(`${get("general.architecture")}.attention.head_count`));
  const config = configFromGguf(get, overridesOf(params, nHeads), file.name);
  const tokenizer = await ggufTokenizer(file, { nVocab: config.nVocab });
  const ownContext = get(`${config.architecture}.context_length`);
  return {
    containerName: `gguf v${file.files[0]?.version}`,
    config,
    tensors: file,
    tokenizer,
    warnings: [...config.warnings, ...tokenizer.warnings],
    trainedContext: typeof ownContext === "number" && ownContext > 0 ? ownContext : TRAINED_CONTEXT_TOKENS,
    hint: undefined,
  };
}

/** The `-gqa` that the first key matrix speaks of, where it is not that of `config`: ggml files have no field for it. */
function groupedQueryHint(tensors: TensorSource, { nEmbd, nHeads, nKvHeads }: ModelConfig): string | undefined {
  const [rows = nEmbd] = tensors.tensor("layers.0.attention.wk.weight")?.shape ?? [];
  const gqa = nEmbd / rows;
  const isLikely = Number.isInteger(gqa) && nHeads % gqa === 0 && gqa !== nHeads / nKvHeads;
  return isLikely ? `its key matrices are those of -gqa ${gqa}: run it with that` : undefined;
}

function overridesOf({ gqa, rmsNormEps, ropeFreqBase, ropeFreqScale }: RunParams, nHeads: number): ConfigOverrides {
  return {
    ...(gqa !== undefined && { nKvHeads: nHeads / gqa }),
    ...(rmsNormEps !== undefined && { rmsNormEps }),
    ...(ropeFreqBase !== undefined && { ropeFreqBase }),
    ...(ropeFreqScale !== undefined && { ropeFreqScale }),
  };
}
