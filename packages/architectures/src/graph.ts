// A model as data: an ordered list of operations on values. A family records it, engines interpret it. Nothing here computes.
//
// What is memory, exchange and threads in an engine follows from two facts: which operation reads and writes which value, and
// whether a value is whole or cut along an axis, so that every shard has its own columns of it.

/** `n` units that stay together: key heads with all their channels, or single channels. Shards own ranges of them. */
export interface Axis {
  readonly id: number;
  readonly name: string;
  readonly n: number;
  /** Ranges begin at multiples of it. */
  readonly grain: number;
}

/** One row of numbers for each token, or one for each of its experts. */
export interface Value {
  readonly id: number;
  readonly name: string;
  /** Columns of all shards together. */
  readonly width: number;
  /** Undefined: every shard has all columns. */
  readonly axis: Axis | undefined;
  /** "all" tokens of a slice, or the last ones, whose logits are "wanted". */
  readonly rows: "all" | "wanted";
  /** Rows of a token: 1, or one for each expert that it was sent to, in the order of the choice. */
  readonly perToken: number;
}

/** Numbers of the model. */
export interface Weight {
  readonly id: number;
  /** Name of its tensor, as GGUF files have it: `blk.3.attn_q.weight`. */
  readonly role: string;
  /** How it is used: rows looked up one by one, a matrix that meets activations, or plain f32 numbers. */
  readonly form: "rows" | "matrix" | "numbers";
  /** Slowest dimension first: [rows, columns] or [n]. Numbers of several columns are kept as rows. */
  readonly shape: readonly number[];
  /** What the tensor is: it has more rows than `shape` if several weights are fused in it, and a dimension more for experts. */
  readonly tensorShape: readonly number[];
  /** The weight's first row in the tensor, or in that of each expert. */
  readonly firstRow: number;
  /** Weights of this shape in the tensor, one behind the other: undefined for one, which needs no dimension. */
  readonly nExperts: number | undefined;
  /** Every shard has its own rows (or numbers) only; undefined: all of them. */
  readonly axis: Axis | undefined;
}

/** Keys and values of one layer. Operations name it by its index among `Graph.caches`. */
export interface KvCacheShape {
  /** One unit is a key head. */
  readonly axis: Axis;
  readonly headDim: number;
  /** Query heads that share a key head. */
  readonly headsPerKvHead: number;
}

/**
 * What one layer remembers of all tokens so far, whatever their number: binary32 numbers, zeros before the first. Unlike keys and values
 * it cannot be cut back to an earlier position. Operations name it by its index among `Graph.states`.
 */
export interface StateShape {
  readonly axis: Axis;
  /** Numbers for each unit of the axis. */
  readonly unitLength: number;
}

/** Rotary position embedding (Su et al., arXiv:2104.09864). */
export interface RopeSettings {
  /** Channels of a head that are rotated, the first ones; even. */
  readonly nRot: number;
  /** θ: pair j turns by position · base^(-2j / nRot). */
  readonly base: number;
  /** Factor on every position. */
  readonly scale: number;
  /** Factor on cosines and sines. Default 1. */
  readonly magnitude?: number | undefined;
  /**
   * YaRN (Peng et al., arXiv:2309.00071): pairs before `low` turn as if `scale` were 1, those behind `high` by it, and those between by
   * a part of both.
   */
  readonly yarn?: { readonly low: number; readonly high: number } | undefined;
  /** A further factor on cosines and sines, by the position: 1 + slope · ln(1 + ⌊position / span⌋). */
  readonly temperature?: { readonly slope: number; readonly span: number } | undefined;
  /**
   * Pairs that turn by three coordinates in turn, and by a fourth, which is 0 in text: of pair j, counted modulo their sum, only those
   * below 3 · sections[j mod 3] turn. Default: all.
   */
  readonly sections?: readonly number[] | undefined; // (4)
}

/** Which channels are a pair: (2j, 2j + 1), or (j, j + nRot / 2). */
export type RopePairing = "adjacent" | "halves";

/**
 * Gaussian error linear units ("gelu", arXiv:1606.08415) by their tanh approximation. "clamped swiglu" is gpt-oss's (arXiv:2508.10925):
 * gate · sigmoid(1.702 · gate) · (up + 1), with gate held below 7 and up between -7 and 7.
 * "none" leaves the gate as it is.
 */
export type Activation = "silu" | "gelu" | "clamped swiglu" | "sigmoid" | "none";

interface OpBase {
  /** Also a value that is changed in place, which is among `writes`, too. */
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
}

/** out = the rows of `weight` that belong to the tokens. */
export interface EmbedOp extends OpBase {
  readonly kind: "embed";
  readonly weight: Weight; // (nVocab, width of out), rows
  readonly out: Value;
  /** Which of the two areas that all shards see it passes through. */
  readonly slot: 0 | 1;
}

/** Cosines, then sines of every pair, (nRot / 2) each, for the position of each token. */
export interface AnglesOp extends OpBase {
  readonly kind: "angles";
  readonly rope: RopeSettings;
  /** Every angle is divided by its number. */
  readonly factors: Weight | undefined; // (nRot / 2)
  /** Those in place of `factors` in contexts with room for more than `above` positions. */
  readonly longFactors: { readonly weight: Weight; readonly above: number } | undefined; // (nRot / 2)
  readonly out: Value; // (nRot)
}

/** out = each `group` of columns divided by its root mean square, times the weight. `out` may be `x`. */
export interface NormOp extends OpBase {
  readonly kind: "norm";
  readonly x: Value;
  /** Undefined: no weight. */
  readonly weight: Weight | undefined; // (group)
  readonly group: number;
  readonly eps: number;
  readonly out: Value;
}

/** Products of one input with several matrices. */
export interface ProjectOp extends OpBase {
  readonly kind: "project";
  readonly x: Value; // whole
  readonly products: readonly Product[];
}

/** out = weight · x · scale + bias. */
export interface Product {
  readonly weight: Weight; // (width of out, width of x)
  readonly scale: Weight | undefined; // (1)
  readonly bias: Weight | undefined; // (width of out)
  readonly out: Value;
}

/** Rotates the heads of `x` in place. */
export interface RopeOp extends OpBase {
  readonly kind: "rope";
  readonly x: Value;
  readonly angles: Value; // (nRot)
  readonly headDim: number;
  readonly pairing: RopePairing;
}

/** What attention may have besides. */
export interface AttendOptions {
  /** Positions that a token sees: its own and the nearest before it. Default: all up to its own. */
  readonly window?: number | undefined;
  /** Scores are held below it: softCap · tanh(score / softCap). */
  readonly softCap?: number | undefined;
}

/** Keeps keys and values, or looks at those that an earlier operation keeps; out = softmax(queries · keys · scale) · values of the positions up to each token's own. */
export interface AttendOp extends OpBase, AttendOptions {
  readonly kind: "attend";
  readonly q: Value;
  /** Both are there, or neither: they are in the cache already. */
  readonly k: Value | undefined;
  readonly v: Value | undefined;
  readonly out: Value;
  /** Index among `Graph.caches`. */
  readonly cache: number;
  readonly headDim: number;
  readonly headsPerKvHead: number;
  readonly scale: number;
  /** One more score for each query head: it takes part in the softmax and has no value (arXiv:2309.17453). */
  readonly sinks: Weight | undefined; // (query heads)
}

/** How tokens are sent to experts (Shazeer et al., arXiv:1701.06538). */
export interface Routing {
  /**
   * What the experts with the largest scores are chosen by, and weighed with: the softmax of all logits, the sigmoid of each, or the logits
   * themselves, of which the softmax over the chosen is taken.
   */
  readonly scores: "softmax" | "sigmoid" | "softmax of chosen";
  /** Experts of a token. */
  readonly nUsed: number;
  /** Scores of the chosen are divided by their sum, or by 2^-14 if it is smaller. */
  readonly isNormalised: boolean;
}

/** out = the numbers of each token's experts, best first, equals by their numbers; then the weight of each. */
export interface RouteOp extends OpBase, Routing {
  readonly kind: "route";
  readonly x: Value; // (experts): logits, whole
  /** Added to the scores for the choice only. */
  readonly bias: Weight | undefined; // (experts)
  readonly out: Value; // (2 · nUsed)
}

/** Products of a token with the matrices of its experts: a row for each. No other expert's weights are read. */
export interface ExpertsOp extends OpBase {
  readonly kind: "experts";
  /** Whole. A row of a token meets all of its experts, or each its own. */
  readonly x: Value;
  readonly route: Value; // (2 · nUsed)
  /** Their `scale` has a number, their `bias` a row for each expert. */
  readonly products: readonly Product[];
}

/** out = Σ weight · row over a token's rows, in their order. */
export interface MixOp extends OpBase {
  readonly kind: "mix";
  readonly x: Value; // nUsed rows a token
  readonly route: Value; // (2 · nUsed)
  readonly out: Value;
}

/**
 * A causal convolution of each channel by itself: out = Σ of weight[channel][i] · x of the token that is nTaps - 1 - i before, in the order
 * of i; then SiLU, if wanted. The last nTaps - 1 rows of `x` are the state.
 */
export interface ConvolveOp extends OpBase {
  readonly kind: "convolve";
  readonly x: Value;
  readonly weight: Weight; // (width of x, nTaps), numbers
  readonly silu: boolean;
  readonly out: Value;
  /** Index among `Graph.states`. */
  readonly state: number;
}

/** Each head divided by its length, or by `eps` if that is larger, in place. */
export interface L2NormOp extends OpBase {
  readonly kind: "l2Norm";
  readonly x: Value;
  readonly headDim: number;
  readonly eps: number;
}

/**
 * A gated delta net (arXiv:2412.06464). With decay = e^(rate · softplus(alpha + timeStep)), for each token and head:
 * M = decay · M, d = sigmoid(beta) · (v - Mᵀk), M = M + k dᵀ, out = Mᵀq / √headDim. M is the state, (heads, headDim, headDim).
 */
export interface DeltaNetOp extends OpBase {
  readonly kind: "deltaNet";
  readonly q: Value; // (heads, headDim)
  readonly k: Value; // (heads, headDim)
  readonly v: Value; // (heads, headDim)
  /** Overwritten, and `beta`, too. */
  readonly alpha: Value; // (heads)
  readonly beta: Value; // (heads)
  readonly timeStep: Weight; // (heads)
  readonly rate: Weight; // (heads)
  readonly headDim: number;
  readonly out: Value;
  /** Index among `Graph.states`. */
  readonly state: number;
}

/** gate = activation(gate) · up, in place. */
export interface GateOp extends OpBase {
  readonly kind: "gate";
  readonly activation: Activation;
  readonly gate: Value;
  readonly up: Value;
}

/** x = x · by, in place. */
export interface ScaleOp extends OpBase {
  readonly kind: "scale";
  readonly x: Value;
  readonly by: number | Weight; // (1)
}

/** into = into + from, in place. */
export interface AddOp extends OpBase {
  readonly kind: "add";
  readonly into: Value;
  readonly from: Value;
}

/** out = the columns from `first` on of each `group` columns of x: (groups, width of a piece). */
export interface SliceOp extends OpBase {
  readonly kind: "slice";
  readonly x: Value;
  readonly group: number;
  readonly first: number;
  /** Columns of a piece. */
  readonly size: number;
  readonly out: Value;
}

/** out = all of `xs` of all shards, side by side. They meet between what they show each other and what they take. */
export interface GatherOp extends OpBase {
  readonly kind: "gather";
  readonly xs: readonly Value[];
  readonly out: Value; // whole
  readonly slot: 0 | 1;
}

/** out = each shard's own columns of x. */
export interface CutOp extends OpBase {
  readonly kind: "cut";
  readonly x: Value; // whole
  readonly out: Value;
}

/** out = the last rows of x: those whose logits are wanted. Nothing behind it happens if there are none. */
export interface SelectOp extends OpBase {
  readonly kind: "select";
  readonly x: Value;
  readonly out: Value;
}

/** What logits may be changed by, in this order. */
export interface LogitOptions {
  /** Default 1. */
  readonly factor?: number | undefined;
  /** Logits are held below it: softCap · tanh(logit / softCap). */
  readonly softCap?: number | undefined;
}

/** The logits, weight · x · scale + bias, and the last row of x, which is the embedding vector of the text so far. */
export interface LogitsOp extends OpBase, LogitOptions {
  readonly kind: "logits";
  readonly x: Value;
  readonly weight: Weight; // (nVocab, width of x)
  readonly scale: Weight | undefined; // (1)
  readonly bias: Weight | undefined; // (nVocab)
}

export type Op =
  | EmbedOp
  | AnglesOp
  | NormOp
  | ProjectOp
  | RopeOp
  | AttendOp
  | RouteOp
  | ExpertsOp
  | MixOp
  | ConvolveOp
  | L2NormOp
  | DeltaNetOp
  | GateOp
  | ScaleOp
  | AddOp
  | SliceOp
  | GatherOp
  | CutOp
  | SelectOp
  | LogitsOp;

/** llama.cpp rounds the positions of a context up to a multiple of it before it chooses. */
const CONTEXT_STEP = 256;

/** What divides the angles in a context of this size: keys of contexts with other factors are others. */
export function factorsOf({ factors, longFactors: long }: AnglesOp, contextTokens: number): Weight | undefined {
  const isLong = long !== undefined && CONTEXT_STEP * Math.ceil(contextTokens / CONTEXT_STEP) > long.above;
  return isLong ? long.weight : factors;
}

/** The index of the last operation that each value takes part in. */
export function lastUses(ops: readonly Op[]): ReadonlyMap<Value, number> {
  return new Map(ops.flatMap(({ reads, writes }, i) => [...reads, ...writes].map((value) => [value, i] as const)));
}

export interface Graph {
  readonly ops: readonly Op[];
  readonly axes: readonly Axis[];
  readonly values: readonly Value[];
  readonly weights: readonly Weight[];
  /** Of each layer that has one. */
  readonly caches: readonly KvCacheShape[];
  /** Of each layer that has one: such a model is recurrent. */
  readonly states: readonly StateShape[];
}
