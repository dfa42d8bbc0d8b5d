// The LLaMA forward pass (Touvron et al., arXiv:2302.13971) for a slice of consecutive tokens, in the arithmetic of the
// portable scalar build of llama.cpp 803: read it from top to bottom.

import { unpackRows } from "@ll/quant";
import { type Activations, rowOf } from "./activations.ts";
import { attend } from "./attention.ts";
import { derivedSizes } from "./config.ts";
import { feedForward } from "./feed-forward.ts";
import type { KvCache } from "./kv-cache.ts";
import { matmul } from "./matmul.ts";
import { addInto, rmsNorm } from "./ops.ts";
import type { Pace } from "./pace.ts";
import { rope, ropeAngles, ropeThetaStep } from "./rope.ts";
import { type Matrix, matrixRow, type Weights } from "./weights.ts";

/** What one evaluation works on. */
export interface ForwardState {
  readonly weights: Weights;
  readonly cache: KvCache;
  readonly activations: Activations;
  readonly pace: Pace;
  /** Build 803 mistook whose query is whose in batches over an f32 cache; true repeats that. */
  readonly mixUpQueries: boolean;
}

/**
 * Evaluates `tokens` (n) at positions pos0 … pos0 + n − 1: fills their places in the cache and leaves the residual stream,
 * (n, nEmbd), in `activations.x`.
 */
export async function forward(state: ForwardState, tokens: Int32Array, pos0: number): Promise<void> {
  const { weights, cache, activations, pace, mixUpQueries } = state;
  const { config } = weights;
  const { nEmbd, nHeads } = config;
  const { headDim, kvDim } = derivedSizes(config);
  const { x, xb, q, k, v, att, cos, sin, scores } = activations;
  const n = tokens.length;

  // the rows of the embedding matrix, and the angles of the positions
  const thetaStep = ropeThetaStep(config);
  for (let i = 0; i < n; i++) {
    embed(rowOf(x, i, nEmbd), weights.tokEmbeddings, tokens[i]!);
    ropeAngles(rowOf(cos, i, headDim / 2), rowOf(sin, i, headDim / 2), pos0 + i, config.ropeFreqScale, thetaStep);
  }

  for (const [l, layer] of weights.layers.entries()) {
    // attention: normalise, project, rotate
    normalise(xb, x, layer.attentionNorm, n, config.rmsNormEps);
    await matmul(q, layer.wq, xb, n, pace);
    await matmul(k, layer.wk, xb, n, pace);
    await matmul(v, layer.wv, xb, n, pace);
    for (let i = 0; i < n; i++) {
      rope(rowOf(q, i, nEmbd), rowOf(cos, i, headDim / 2), rowOf(sin, i, headDim / 2));
      rope(rowOf(k, i, kvDim), rowOf(cos, i, headDim / 2), rowOf(sin, i, headDim / 2));
      cache.store(l, pos0 + i, rowOf(k, i, kvDim), rowOf(v, i, kvDim));
    }

    // each position looks at itself and those before it
    cache.round(q, n * nEmbd);
    for (let i = 0; i < n; i++) {
      const rows = mixUpQueries ? { queries: q, first: i, step: n } : { queries: q, first: i * nHeads, step: 1 };
      attend(rowOf(att, i, nEmbd), rows, cache, l, pos0 + i, config, scores);
      if (pace.spend(2 * (pos0 + i + 1) * nEmbd)) await pace.turn();
    }
    await matmul(xb, layer.wo, att, n, pace);
    addInto(x, xb, n * nEmbd);

    // feed-forward
    normalise(xb, x, layer.ffnNorm, n, config.rmsNormEps);
    await feedForward(activations, layer, n, pace);
    addInto(x, xb, n * nEmbd);
  }
}

/** logits = output matrix · rms-normalised stream for the rows `first` … `first` + `n` − 1; `activations.xb` keeps the latter. */
export async function logitsOf(out: Float32Array, state: ForwardState, first: number, n: number): Promise<void> {
  const { weights, activations, pace } = state;
  const { nEmbd, rmsNormEps } = weights.config;
  const x = activations.x.subarray(first * nEmbd); // (n, nEmbd)
  normalise(activations.xb, x, weights.norm, n, rmsNormEps);
  await matmul(out, weights.output, activations.xb, n, pace); // (n, nVocab)
}

function embed(out: Float32Array, embeddings: Matrix, token: number): void {
  unpackRows(embeddings.type, matrixRow(embeddings, token), out);
}

function normalise(out: Float32Array, x: Float32Array, weight: Float32Array, n: number, eps: number): void {
  for (let i = 0; i < n; i++) rmsNorm(rowOf(out, i, weight.length), rowOf(x, i, weight.length), weight, eps);
}
