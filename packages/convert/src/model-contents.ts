// A model out of a file that holds all of it, ready to be written to another: parameters, vocabulary, tensors.

import type { SourceTensor } from "@ll/bytes";
import type { GgmlFile, VocabEntry } from "@ll/ggml-format";
import { GgufArray, type GgufContents, metadataGetter } from "@ll/gguf";
import { ConvertError } from "./errors.ts";
import { metaNamed } from "./gguf-tensors.ts";
import { assertLlamaTensors, LLAMA } from "./llama-shapes.ts";
import { type ModelParams, multFor } from "./model-params.ts";
import { entryOf, type VocabPiece } from "./vocab-pieces.ts";

/** Behind `tokenizer.ggml.`: where a GGUF file names tokens that end an answer. */
export const END_KEYS = ["eos_token_id", "eot_token_id", "eom_token_id"] as const;

/** What a file says about the tokens around a text; only GGUF has a place for it. */
export interface TokenRules {
  /** Begins a text; 1 if absent, as ggjt files have it. */
  readonly bosId?: number | undefined;
  /** End an answer; GGUF holds the first three. 2 if absent or empty, as ggjt files have it. */
  readonly eosIds?: readonly number[] | undefined;
  /** Whether a text is begun with BOS; true if absent. */
  readonly addBos?: boolean | undefined;
  /** Whether a text is ended with EOS; false if absent. */
  readonly addEos?: boolean | undefined;
}

export interface ModelContents extends TokenRules {
  readonly params: ModelParams;
  /** Under the names of Meta, in the order of the new file. */
  readonly tensors: readonly SourceTensor[];
  /** As many entries as `params.nVocab` says. */
  readonly vocab: readonly VocabEntry[];
  /** The same entries with their spelling and types, if those are known; only GGUF has a place for them. */
  readonly pieces?: readonly VocabPiece[] | undefined;
  /** Whether SentencePiece puts a space before a text; true if absent. Only GGUF has a place for it. */
  readonly addSpacePrefix?: boolean | undefined;
  /** Id of the file type that the model has now. */
  readonly ftype?: number | undefined;
}

/** What `configFromGguf` of @ll/llama makes of the metadata of a file. */
export interface LlamaConfig {
  /** Must be "llama": no other model can be written. */
  readonly architecture: string;
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly nLayers: number;
  readonly nFf: number;
  readonly rmsNormEps: number;
  readonly ropeFreqBase: number;
  readonly ropeFreqScale: number;
  /** Must be absent: a model whose context was stretched otherwise than by the scale cannot be written. */
  readonly ropeScaling?: { readonly kind: string } | undefined;
  readonly nMult: number;
  readonly ftype: number;
  readonly trainedContextTokens: number | undefined;
}

/**
 * The LLaMA model in a GGUF file. Its vocabulary must be one of SentencePiece; an output matrix that is not there is that of
 * the token embeddings.
 * @throws ConvertError `E_UNSUPPORTED`, `E_VOCAB`, `E_MISMATCH`; `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR` or `E_SHAPE` unless the tensors are
 *   those of such a model; GgufFormatError, IoError
 */
export async function contentsOfGguf(file: GgufContents, config: LlamaConfig): Promise<ModelContents> {
  const { nVocab, nEmbd, nHeads, nKvHeads, nLayers, nFf, ropeFreqBase, ropeFreqScale } = config;
  assertLlama("general.architecture", config.architecture, LLAMA.name, file.name);
  if (config.ropeScaling !== undefined) {
    assertLlama("llama.rope.scaling", config.ropeScaling.kind, "linear, without attn_factor", file.name);
  }
  const tensors = metaNamed(file);
  assertLlamaTensors(tensors, config, file.name);
  const pieces = await readPieces(file, nVocab);
  const sizes = { nEmbd, nHeads, nKvHeads, nLayers };
  return {
    params: {
      ...sizes,
      nVocab,
      nMult: multFor({ ...sizes, nMult: config.nMult }, nFf),
      normEps: config.rmsNormEps,
      ropeFreqBase,
      ropeFreqScale,
      contextTokens: config.trainedContextTokens,
    },
    tensors,
    vocab: pieces.map(entryOf),
    pieces,
    addSpacePrefix: metadataGetter(file.metadata)("tokenizer.ggml.add_space_prefix") !== false,
    ...tokenRules(file),
    ftype: config.ftype,
  };
}

function assertLlama(field: string, got: string, expected: string, file: string): void {
  if (got === expected) return;
  const message = `a model whose ${field} is '${got}' cannot be converted: expected ${expected}`;
  throw new ConvertError({ code: "E_UNSUPPORTED", file, field, expected, got, message });
}

/** Parameters that a ggjt file does not hold, where its model has others than build 803 assumes. */
export type GgmlUnstored = Pick<ModelParams, "normEps" | "ropeFreqBase" | "ropeFreqScale" | "contextTokens">;

/**
 * The LLaMA model in a ggjt file. Key heads that are shared show in the shape of their matrices.
 * @throws ConvertError `E_MISMATCH` if the vocabulary is short; `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR` or `E_SHAPE` unless the
 *   tensors are those of a LLaMA
 */
export function contentsOfGgml(file: GgmlFile, unstored: GgmlUnstored = {}): ModelContents {
  const { nVocab, nEmbd, nMult, nHead: nHeads, nLayer: nLayers, ftype } = file.hyperParams;
  const keyRows = file.tensor("layers.0.attention.wk.weight")?.shape[0] ?? nEmbd;
  const nKvHeads = keyRows / (nEmbd / nHeads);
  const nFf = file.tensor("layers.0.feed_forward.w1.weight")?.shape[0] ?? 0;
  assertLlamaTensors(file.tensors, { nVocab, nEmbd, nHeads, nKvHeads, nLayers, nFf }, file.name);
  assertEntries(file.vocab.length, nVocab, file.name);
  const params = { nVocab, nEmbd, nMult, nHeads, nKvHeads, nLayers, ...unstored };
  return { params, tensors: file.tensors, vocab: file.vocab, ftype };
}

/** Values of other types are left to what readers assume. */
function tokenRules(file: GgufContents): TokenRules {
  const get = metadataGetter(file.metadata);
  const id = (name: string): number | undefined => {
    const value = get(`tokenizer.ggml.${name}`);
    return typeof value === "number" ? value : undefined;
  };
  const flag = (name: string): boolean | undefined => {
    const value = get(`tokenizer.ggml.${name}`);
    return typeof value === "boolean" ? value : undefined;
  };
  const ends = END_KEYS.map(id).filter((end) => end !== undefined);
  return {
    bosId: id("bos_token_id"),
    eosIds: [...new Set(ends)],
    addBos: flag("add_bos_token"),
    addEos: flag("add_eos_token"),
  };
}

async function readPieces(file: GgufContents, nVocab: number): Promise<VocabPiece[]> {
  const model = metadataGetter(file.metadata)("tokenizer.ggml.model");
  if (model !== "llama") {
    throw new ConvertError({
      code: "E_UNSUPPORTED",
      file: file.name,
      field: "tokenizer.ggml.model",
      expected: "llama",
      got: String(model),
      message: `a vocabulary of the kind '${String(model)}': only those of SentencePiece can be converted`,
    });
  }
  const texts = await arrayOf(file, "tokens").read("string");
  const scores = await arrayOf(file, "scores").read("f32");
  const types = await arrayOf(file, "token_type").read("i32");
  for (const { length } of [texts, scores, types]) assertEntries(length, nVocab, file.name);
  return texts.map((text, id) => ({ text, score: scores[id] as number, type: types[id] as number }));
}

function arrayOf(file: GgufContents, name: string): GgufArray {
  const key = `tokenizer.ggml.${name}`;
  const value = file.metadata.get(key);
  if (value instanceof GgufArray) return value;
  throw new ConvertError({
    code: "E_VOCAB",
    file: file.name,
    field: key,
    expected: "an array",
    got: value?.type ?? "nothing",
    message: `the file has no '${key}'`,
  });
}

function assertEntries(got: number, nVocab: number, file: string): void {
  if (got === nVocab) return;
  throw new ConvertError({
    code: "E_MISMATCH",
    file,
    field: "vocab",
    expected: nVocab,
    got,
    message: `the vocabulary holds ${got} of ${nVocab} entries`,
  });
}
