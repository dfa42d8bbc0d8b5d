import type { RandomGraph } from "./random-graphs.ts";

const LAYER: RandomGraph["layers"][number] = {
  ...{ nKvHeads: 2, headsPerKvHead: 2, headDim: 8, hasHeadNorms: true, hasRowNorms: false, hasBiases: false },
  ...{ rotated: 1, pairing: "halves", hasFactors: false, longAbove: undefined, ropeFreqBase: 10_000 },
  rope: { scale: 1, magnitude: undefined, yarn: undefined, temperature: undefined },
  ...{
    window: undefined,
    softCap: undefined,
    hasSinks: false,
    isFused: false,
    isNormedBehind: false,
    nTaps: 0,
    nDeltaHeads: 0,
  },
  ...{ nFf: 40, experts: undefined, activation: "silu", residual: undefined },
  ...{ hasValueNorm: false, isSharing: false },
};
/** A layer with attention between two without. */
export const RECURRENT_GRAPH: RandomGraph = {
  ...{ nVocab: 50, nEmbd: 32, isTied: true, type: "f32", seed: 7, arithmetic: "build803" },
  logits: { bias: undefined, factor: undefined, softCap: undefined },
  layers: [{ ...LAYER, nTaps: 4 }, LAYER, { ...LAYER, nDeltaHeads: 3 }],
};
