// What a configuration file says about a model, before the tensors have been asked.

import type { GptqLayout } from "./quantization-config.ts";

export interface DeclaredParams {
  readonly origin: "config.json" | "params.json" | "header";
  /** Name of the file, for errors. */
  readonly file: string;
  /** Absent where the file leaves it to the tokenizer (−1 in Meta's files). */
  readonly nVocab?: number;
  readonly nEmbd: number;
  readonly nHeads: number;
  /** Absent where only the key matrices tell (ggml files). */
  readonly nKvHeads?: number;
  readonly nLayers: number;
  /** Rows of the feed-forward matrices, if the file gives them. */
  readonly nFf?: number;
  /** The number that the size of the feed-forward layer is rounded up to, if the file gives it. */
  readonly nMult?: number;
  readonly ffnDimMultiplier?: number;
  readonly normEps?: number;
  readonly ropeFreqBase?: number;
  /** Factor on positions: 1 / the factor of linear RoPE scaling. */
  readonly ropeFreqScale?: number;
  /** Longest context the model was trained for. */
  readonly contextTokens?: number;
  /** False where the file says that the output matrix is not that of the token embeddings. */
  readonly isOutputTied?: boolean;
  /** Members such as `attention_bias` by which the file says that there are biases. */
  readonly biasFields?: readonly string[];
  /** How matrices of GPTQ are stored, if the file says that there are any. */
  readonly gptq?: GptqLayout;
  /** The token that begins a text. */
  readonly bosId?: number;
  /** The tokens that end an answer. */
  readonly eosIds?: readonly number[];
  /** Keys that were found and mean nothing to this reader. */
  readonly unknownFields: readonly string[];
}

/** An object with that one member, or an empty one. */
export function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
