// The parameters of a model: those a ggjt file holds, and those it has no place for.

import { feedForwardSize, findMult } from "@ll/architectures";
import { ConvertError } from "./errors.ts";

/** `CheckpointParams` of @ll/checkpoint are these. */
export interface ModelParams {
  readonly nVocab: number;
  readonly nEmbd: number;
  /** The feed-forward width is a multiple of this, by the rule of ggjt files; undefined if it follows from no such number. */
  readonly nMult?: number | undefined;
  readonly nHeads: number;
  /** Fewer than `nHeads` for grouped-query attention. */
  readonly nKvHeads: number;
  readonly nLayers: number;
  readonly normEps?: number | undefined;
  readonly ropeFreqBase?: number | undefined;
  readonly ropeFreqScale?: number | undefined;
  /** Positions that the model was trained for. */
  readonly contextTokens?: number | undefined;
}

/** Parameters that a reader of the file assumes otherwise; only those are set that differ from what it assumes. */
export interface UnstoredParams {
  /** Added to the mean square in RMSNorm; assumed 1e-6. */
  readonly normEps?: number;
  /** Query heads that share a key and value head; assumed 1. */
  readonly queriesPerKvHead?: number;
  /** Base of the rotary angles; assumed 10000. */
  readonly ropeFreqBase?: number;
  /** Factor on positions; assumed 1. */
  readonly ropeFreqScale?: number;
}

/** What llama.cpp build 803 assumes of every model. */
export const ASSUMED = {
  normEps: 1e-6,
  queriesPerKvHead: 1,
  ropeFreqBase: 10000,
  ropeFreqScale: 1,
  contextTokens: 2048,
} as const;

/** What a ggjt file cannot say about this model, and whoever runs it has to. Empty for the first LLaMA models. */
export function unstoredParams(params: ModelParams): UnstoredParams {
  const values = {
    normEps: params.normEps,
    queriesPerKvHead: params.nHeads / params.nKvHeads,
    ropeFreqBase: params.ropeFreqBase,
    ropeFreqScale: params.ropeFreqScale,
  };
  const names = Object.keys(values) as (keyof typeof values)[];
  return Object.fromEntries(
    names.filter((name) => isOther(values[name], ASSUMED[name])).map((name) => [name, values[name]]),
  );
}

/** A reader keeps them as binary32, where 1e-6 and 0.00000099999999 are one number. */
export function isOther(value: number | undefined, assumed: number): boolean {
  return value !== undefined && Math.fround(value) !== Math.fround(assumed);
}

/** A number n_mult from which a ggjt reader computes `nFf`: the one given, if it does, else one that is found. Undefined if there is none. */
export function multFor(params: Omit<ModelParams, "nVocab">, nFf: number): number | undefined {
  const { nMult } = params;
  return nMult !== undefined && nMult >= 1 && feedForwardSize(params, nMult) === nFf ? nMult : findMult(params, nFf);
}

/** @throws ConvertError `E_LIMIT` if a ggjt header cannot express the feed-forward width */
export function requireMult({ nMult, nEmbd }: ModelParams): number {
  if (nMult !== undefined) return nMult;
  throw new ConvertError({
    code: "E_LIMIT",
    field: "n_mult",
    expected: "a feed-forward width that rounding up 8·n_embd / 3 can give",
    got: `n_embd ${nEmbd}`,
    message: "a ggjt file cannot hold this model: its feed-forward width follows from no n_mult",
    hint: "write GGUF instead (--container gguf)",
  });
}
