// The parameters of a model: those a model file holds, and those it has no place for.

/** `CheckpointParams` of @ll/checkpoint are these. */
export interface ModelParams {
  readonly nVocab: number;
  readonly nEmbd: number;
  /** The feed-forward width is a multiple of this. */
  readonly nMult: number;
  readonly nHeads: number;
  /** Fewer than `nHeads` for grouped-query attention. */
  readonly nKvHeads: number;
  readonly nLayers: number;
  readonly normEps?: number | undefined;
  readonly ropeFreqBase?: number | undefined;
  readonly ropeFreqScale?: number | undefined;
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
const ASSUMED = { normEps: 1e-6, queriesPerKvHead: 1, ropeFreqBase: 10000, ropeFreqScale: 1 } as const;

/** What a ggjt file cannot say about this model, and whoever runs it has to. Empty for the first LLaMA models. */
export function unstoredParams(params: ModelParams): UnstoredParams {
  const values = {
    normEps: params.normEps,
    queriesPerKvHead: params.nHeads / params.nKvHeads,
    ropeFreqBase: params.ropeFreqBase,
    ropeFreqScale: params.ropeFreqScale,
  };
  const names = Object.keys(ASSUMED) as (keyof typeof ASSUMED)[];
  // a reader keeps them as binary32, where 1e-6 and 0.00000099999999 are one number
  const isOther = (value: number | undefined, assumed: number): boolean =>
    value !== undefined && Math.fround(value) !== Math.fround(assumed);
  return Object.fromEntries(
    names.filter((name) => isOther(values[name], ASSUMED[name])).map((name) => [name, values[name]]),
  );
}
