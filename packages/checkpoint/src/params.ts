// The parameters of a model: what its configuration declares, held against what its tensors are.

import { type FeedForwardSizes, feedForwardSize, findMult } from "@ll/architectures";
import { type DeclaredParams, present } from "./declared-params.ts";
import { CheckpointError } from "./errors.ts";

/** What a ggml header needs, and what it has no place for but nobody should lose. */
export interface CheckpointParams {
  /** Rows of the token embeddings. */
  readonly nVocab: number;
  readonly nEmbd: number;
  /** The number that a loader rounds the feed-forward size up to; see `feedForwardSize`. */
  readonly nMult: number;
  readonly nHeads: number;
  /** Fewer than `nHeads` for grouped-query attention. */
  readonly nKvHeads: number;
  readonly nLayers: number;
  /** Rows of feed_forward.w1. */
  readonly nFf: number;
  readonly ffnDimMultiplier?: number;
  readonly normEps?: number;
  readonly ropeFreqBase?: number;
  readonly ropeFreqScale?: number;
  readonly contextTokens?: number;
  /** Where the numbers come from; `"guess"` if no configuration was found. */
  readonly origin: DeclaredParams["origin"] | "guess";
}

/** What the tensors themselves say. */
export interface TensorFacts {
  /** File of the tensors, for errors. */
  readonly file: string;
  readonly nVocab: number;
  readonly nEmbd: number;
  readonly nLayers: number;
  readonly nFf: number;
  /** Rows of attention.wk. */
  readonly nKvRows: number;
}

/** Build 803 assumes these of a model without configuration; they are right for the first LLaMA models. */
const GUESSED_HEAD_DIM = 128;
const GUESSED_MULT = 256;

/** @throws `E_SHAPE` where the two disagree, `E_SHARD` if files seem to be missing, `E_HPARAM` if no n_mult fits. */
export function resolveParams(declared: DeclaredParams | undefined, facts: TensorFacts): CheckpointParams {
  if (declared === undefined) return guessParams(facts);
  assertAllShards(declared, facts);
  const { nEmbd, nHeads, nLayers } = declared;
  const headDim = nEmbd / nHeads;
  const nKvHeads = declared.nKvHeads ?? Math.max(1, Math.floor(facts.nKvRows / headDim));
  assertAgrees(declared, facts, "n_embd", nEmbd, facts.nEmbd);
  assertAgrees(declared, facts, "n_layer", nLayers, facts.nLayers);
  if (declared.nVocab !== undefined) assertAgrees(declared, facts, "n_vocab", declared.nVocab, facts.nVocab);
  assertAgrees(declared, facts, "n_kv_head rows", headDim * nKvHeads, facts.nKvRows);
  if (declared.nFf !== undefined) assertAgrees(declared, facts, "n_ff", declared.nFf, facts.nFf);
  return {
    nVocab: facts.nVocab,
    nEmbd,
    nMult: checkedMult(declared, { nEmbd, nHeads, nKvHeads, nLayers }, facts),
    nHeads,
    nKvHeads,
    nLayers,
    nFf: facts.nFf,
    ...present("ffnDimMultiplier", declared.ffnDimMultiplier),
    ...present("normEps", declared.normEps),
    ...present("ropeFreqBase", declared.ropeFreqBase),
    ...present("ropeFreqScale", declared.ropeFreqScale),
    ...present("contextTokens", declared.contextTokens),
    origin: declared.origin,
  };
}

/** Build 803 rounds a width that is no multiple of 128 down and gives a model that nobody can run; here it is refused. */
function guessParams(facts: TensorFacts): CheckpointParams {
  const nHeads = Math.floor(facts.nEmbd / GUESSED_HEAD_DIM);
  if (nHeads * GUESSED_HEAD_DIM !== facts.nEmbd || facts.nKvRows % GUESSED_HEAD_DIM !== 0) {
    throw new CheckpointError({
      code: "E_HPARAM",
      file: facts.file,
      offset: 0,
      field: "n_head",
      expected: `heads of ${GUESSED_HEAD_DIM} values, or a params.json or config.json beside the model`,
      got: facts.nEmbd,
      message: `cannot guess the number of heads from rows of ${facts.nEmbd} values; params.json or config.json is missing`,
    });
  }
  const nKvHeads = facts.nKvRows / GUESSED_HEAD_DIM;
  const sizes = { ...facts, nHeads, nKvHeads };
  const nMult = feedForwardSize(sizes, GUESSED_MULT) === facts.nFf ? GUESSED_MULT : requireMult(sizes, facts);
  const { nVocab, nEmbd, nLayers, nFf } = facts;
  return { nVocab, nEmbd, nMult, nHeads, nKvHeads, nLayers, nFf, origin: "guess" };
}

/** The declared n_mult, or one that gives the same size where there is none, or where loaders do not know Meta's extra factor. */
function checkedMult(declared: DeclaredParams, sizes: FeedForwardSizes, facts: TensorFacts): number {
  const { nMult, ffnDimMultiplier } = declared;
  if (nMult === undefined) return requireMult(sizes, facts);
  assertAgrees(declared, facts, "n_ff", metaFeedForwardSize(facts.nEmbd, nMult, ffnDimMultiplier), facts.nFf);
  return feedForwardSize(sizes, nMult) === facts.nFf ? nMult : requireMult(sizes, facts);
}

/** Rows of the feed-forward matrices by Meta's rule, which scales by the file's own factor before it rounds up. */
function metaFeedForwardSize(nEmbd: number, multipleOf: number, ffnDimMultiplier = 1): number {
  return Math.ceil(Math.trunc(ffnDimMultiplier * Math.floor((8 * nEmbd) / 3)) / multipleOf) * multipleOf;
}

/** @throws `E_HPARAM` with the words of build 803 */
function requireMult(sizes: FeedForwardSizes, facts: TensorFacts): number {
  const { nEmbd, nFf } = facts;
  const nMult = findMult(sizes, nFf);
  if (nMult !== undefined) return nMult;
  throw new CheckpointError({
    code: "E_HPARAM",
    file: facts.file,
    offset: 0,
    field: "n_mult",
    expected: "a feed-forward size that rounding up 8·n_embd / 3 can give",
    got: nFf,
    message: `failed to find n_mult for (n_ff=${nFf}, n_embd=${nEmbd}).`,
  });
}

/** A model whose files are not all there has matrices that are narrower by a whole factor. */
function assertAllShards(declared: DeclaredParams, facts: TensorFacts): void {
  const factor = declared.nEmbd / facts.nEmbd;
  if (declared.origin !== "params.json" || factor === 1 || !Number.isInteger(factor)) return;
  throw new CheckpointError({
    code: "E_SHARD",
    file: facts.file,
    offset: 0,
    field: "dim",
    expected: declared.nEmbd,
    got: facts.nEmbd,
    message: `only 1 of ${factor} parts of the model is there: rows of ${facts.nEmbd} values, ${declared.nEmbd} needed`,
  });
}

/** @throws `E_SHAPE` naming both files */
function assertAgrees(
  declared: DeclaredParams,
  facts: TensorFacts,
  field: string,
  expected: number,
  got: number,
): void {
  if (expected === got) return;
  throw new CheckpointError({
    code: "E_SHAPE",
    file: declared.file,
    offset: 0,
    field,
    expected,
    got,
    message: `${declared.file} gives ${field} ${expected}, the tensors of ${facts.file} have ${got}`,
  });
}
