// What an engine needs of a model file. What the options say goes before what the file says.

import type { FileSource } from "@ll/bytes/node";
import type { ConfigOverrides, ModelConfig } from "@ll/llama";
import { type OpenedModelFile, openModelFile } from "@ll/model/node";
import type { Tokenizer } from "@ll/tokenizer";
import type { RunParams } from "./params.ts";

export interface RunnableModel {
  readonly file: OpenedModelFile;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** What may make the model compute something else than it should. */
  readonly warnings: readonly string[];
  /** What to try if the tensors are not those of `config`. */
  readonly hint: string | undefined;
}

/**
 * @param source the file of `params.model`; closed with the other files of its set, by the caller once the tensors are loaded
 * @throws FormatError of the readers, ModelError, IoError: the files are closed then
 */
export async function readModelFile(source: FileSource, params: RunParams): Promise<RunnableModel> {
  const file = await openModelFile(source);
  try {
    const config = file.config(overridesOf(params, file));
    const tokenizer = await file.tokenizer({ nVocab: config.nVocab });
    const warnings = file.container === "gguf" ? [...(config.warnings ?? []), ...tokenizer.warnings] : [];
    return { file, config, tokenizer, warnings, hint: groupedQueryHint(file, config) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The `-gqa` that the first key matrix speaks of, where it is not that of `config`: ggml files have no field for it. */
function groupedQueryHint({ nStoredKvHeads }: OpenedModelFile, { nHeads, nKvHeads }: ModelConfig): string | undefined {
  const gqa = nHeads / (nStoredKvHeads ?? nKvHeads);
  const isLikely = Number.isInteger(gqa) && nHeads % gqa === 0 && gqa !== nHeads / nKvHeads;
  return isLikely ? `its key matrices are those of -gqa ${gqa}: run it with that` : undefined;
}

/** A ggml file is taken to share no key heads unless -gqa says so, as by build 803. */
function overridesOf(
  { gqa, rmsNormEps, ropeFreqBase, ropeFreqScale }: RunParams,
  { container, nHeads }: OpenedModelFile,
): ConfigOverrides {
  const shared = gqa ?? (container === "ggml" ? 1 : undefined);
  return {
    ...(shared !== undefined && { nKvHeads: nHeads / shared }),
    ...(rmsNormEps !== undefined && { rmsNormEps }),
    ...(ropeFreqBase !== undefined && { ropeFreqBase }),
    ...(ropeFreqScale !== undefined && { ropeFreqScale }),
  };
}
