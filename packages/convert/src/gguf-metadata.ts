// What a GGUF file says of a LLaMA model. Keys: the GGUF specification (docs/gguf.md of ggml); n_mult, which only ggjt files have,
// under a key of this project.

import type { WritableValue } from "@ll/gguf";
import { ConvertError } from "./errors.ts";
import { END_KEYS, type TokenRules } from "./model-contents.ts";
import { ASSUMED, isOther, type ModelParams } from "./model-params.ts";
import type { VocabPiece } from "./vocab-pieces.ts";

const BOS = 1;
const EOS = 2;
const UNKNOWN = 0;

/** Version of the block layouts: since May 2023, and in ggjt v3. */
const QUANTIZATION_VERSION = 2;

/** Metadata of a model whose feed-forward layers are `nFf` wide. */
export function modelMetadata(
  params: ModelParams,
  nFf: number,
  ftype: number,
  isQuantized: boolean,
): Map<string, WritableValue> {
  const { nEmbd, nHeads, nKvHeads, nLayers, nVocab, nMult, ropeFreqBase, ropeFreqScale } = params;
  const metadata = new Map<string, WritableValue>([
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.file_type", { type: "u32", value: ftype }],
  ]);
  const add = (key: string, type: "u32" | "f32", value: number): void => void metadata.set(key, { type, value });
  if (isQuantized) add("general.quantization_version", "u32", QUANTIZATION_VERSION);
  add("llama.vocab_size", "u32", nVocab);
  add("llama.context_length", "u32", params.contextTokens ?? ASSUMED.contextTokens);
  add("llama.embedding_length", "u32", nEmbd);
  add("llama.block_count", "u32", nLayers);
  add("llama.feed_forward_length", "u32", nFf);
  add("llama.rope.dimension_count", "u32", nEmbd / nHeads);
  add("llama.attention.head_count", "u32", nHeads);
  add("llama.attention.head_count_kv", "u32", nKvHeads);
  add("llama.attention.layer_norm_rms_epsilon", "f32", params.normEps ?? ASSUMED.normEps);
  if (isOther(ropeFreqBase, ASSUMED.ropeFreqBase)) add("llama.rope.freq_base", "f32", ropeFreqBase as number);
  if (isOther(ropeFreqScale, ASSUMED.ropeFreqScale)) {
    metadata.set("llama.rope.scaling.type", { type: "string", value: "linear" });
    add("llama.rope.scaling.factor", "f32", inverseOf(ropeFreqScale as number));
  }
  if (nMult !== undefined) add("ll.ggjt.n_mult", "u32", nMult);
  return metadata;
}

/**
 * The binary32 number whose inverse, rounded to binary32, is `scale`: readers invert it again.
 * @throws ConvertError `E_LIMIT` if there is none; there is for the inverse of every whole number
 */
function inverseOf(scale: number): number {
  const wanted = Math.fround(scale);
  // where it fails, its neighbours fail as well: tried with all 2^23 fractions
  const factor = Math.fround(1 / wanted);
  if (Math.fround(1 / factor) === wanted) return factor;
  throw new ConvertError({
    code: "E_LIMIT",
    field: "llama.rope.scaling.factor",
    expected: "a scale that is the inverse of a binary32 number",
    got: scale,
    message: `GGUF cannot express the rotary scale ${scale}`,
  });
}

/** The vocabulary; where the model does not say otherwise, with the ids that llama.cpp build 803 has compiled in. */
export function vocabMetadata(
  pieces: readonly VocabPiece[],
  addSpacePrefix = true,
  { bosId = BOS, eosIds = [], addBos = true, addEos = false }: TokenRules = {},
): [string, WritableValue][] {
  const ends = eosIds.length === 0 ? [EOS] : eosIds;
  const texts = pieces.map(({ text }) => text);
  return [
    ["tokenizer.ggml.model", { type: "string", value: "llama" }],
    ["tokenizer.ggml.tokens", { type: "array", itemType: "string", items: texts }],
    ["tokenizer.ggml.scores", { type: "array", itemType: "f32", items: pieces.map(({ score }) => score) }],
    ["tokenizer.ggml.token_type", { type: "array", itemType: "i32", items: pieces.map(({ type }) => type) }],
    ["tokenizer.ggml.bos_token_id", { type: "u32", value: bosId }],
    ...END_KEYS.slice(0, ends.length).map((key, i): [string, WritableValue] => [
      `tokenizer.ggml.${key}`,
      { type: "u32", value: ends[i] as number },
    ]),
    ["tokenizer.ggml.unknown_token_id", { type: "u32", value: UNKNOWN }],
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: addBos }],
    ["tokenizer.ggml.add_eos_token", { type: "bool", value: addEos }],
    ["tokenizer.ggml.add_space_prefix", { type: "bool", value: addSpacePrefix }],
  ];
}
