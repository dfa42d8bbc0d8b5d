// What kernels are: the steps of the transformer between the matrix products, as functions on one WebAssembly memory, bit for
// bit as the scalar functions of ../ops and ../arithmetic.

import type { Activation, AttendOptions, RopePairing } from "@ll/architectures";
import type { ArithmeticName } from "@ll/quant";
import type { KvTypes } from "../kv-type.ts";

/** Bytes that `bindLlamaKernels` wants for itself in the memory: constants and, for `build803`, two tables of functions of binary16. */
export function llamaScratchBytes(arithmetic: ArithmeticName): number {
  return 1024 + (arithmetic === "build803" ? 2 * 4 * 65536 : 0);
}

/**
 * Kernels over one memory. Every pointer is a byte offset in it, a multiple of 4 unless said otherwise; none is
 * checked: use `assertMemorySpan` of @ll/quant once for each buffer, when it is placed. Numbers are binary32 and arrays contiguous unless said otherwise. Strides are counted in values. A memory that grows is followed; kernels
 * allocate nothing, so they may share a memory with other modules.
 */
export interface LlamaKernels {
  readonly memory: WebAssembly.Memory;
  /** out = x / rms(x) · weight for each of `nRows` rows. out, x: (nRows, nValues), may be the same; weight: (nValues). */
  rmsNorm(out: number, x: number, weight: number, nRows: number, nValues: number, eps: number): void;
  /**
   * Rotates the first `nRot` channels of the heads of `nRows` positions in place.
   *
   * @param x rows of (nHeads, headDim), `rowStride` values apart
   * @param angles (nRows, nRot), as `ropeAngles` makes them
   */
  rope(
    pairing: RopePairing,
    x: number,
    angles: number,
    nRows: number,
    nHeads: number,
    headDim: number,
    nRot: number,
    rowStride: number,
  ): void;
  /** gate = activation(gate) · up. gate, up: (n). */
  gate(activation: Activation, gate: number, up: number, n: number): void;
  /** x = x · factor, which is rounded to binary32. x: (n). */
  scale(x: number, n: number, factor: number): void;
  /** x = softCap · tanh(x / softCap). x: (n). */
  cap(x: number, n: number, softCap: number): void;
  /**
   * out = Σ weight · row over the `nUsed` rows of each of `n` tokens, in their order. out: (n, width); rows: (n, nUsed, width).
   *
   * @param weights rows of (nUsed), `stride` values apart
   */
  mix(out: number, rows: number, weights: number, n: number, nUsed: number, width: number, stride: number): void;
  /** x = x + y. x, y: (n). */
  addInto(x: number, y: number, n: number): void;
  /** out = the `size` numbers from `first` on of each group. out: (nGroups, size), apart from x: (nGroups, group). */
  slice(out: number, x: number, nGroups: number, group: number, first: number, size: number): void;
  /** Each row divided by its length, or by `eps` if that is larger, in place. x: (nRows, n). */
  l2Norm(x: number, nRows: number, n: number, eps: number): void;
  /**
   * A gated delta net, as `applyDeltaNet`. out, q, k, v: (n, nHeads, headDim), out apart from the others; decays, rates: (n, nHeads).
   *
   * @param before (nHeads, headDim, headDim): the state in front of the tokens
   * @param after the same behind them; may be `before`
   */
  deltaNet(
    out: number,
    q: number,
    k: number,
    v: number,
    decays: number,
    rates: number,
    before: number,
    after: number,
    n: number,
    nHeads: number,
    headDim: number,
    scale: number,
  ): void;
  /**
   * Convolves each channel with its taps. out, x: (n, width), must not overlap; weight: (width, nTaps).
   *
   * @param before (nTaps - 1, width): the rows in front of `x`
   * @param after the same for what comes next; may be `before`
   */
  convolve(
    out: number,
    x: number,
    weight: number,
    before: number,
    after: number,
    n: number,
    width: number,
    nTaps: number,
    silu: boolean,
  ): void;
  /**
   * The kernels for KV heads of one shape. Make them once per context.
   * @throws RangeError if a size is no count, or `headDim` is odd
   */
  attention(shape: AttentionShape): AttentionKernels;
}

/** What KV heads of a context have in common. */
export interface AttentionShape {
  readonly kvType: KvTypes;
  /** Channels of a head; even. */
  readonly headDim: number;
  /** Query heads that share a KV head. */
  readonly headsPerKvHead: number;
  /** Positions there is room for. */
  readonly contextTokens: number;
}

/** How scores are made. */
export interface ScoreRule extends AttendOptions {
  /** On products of queries and keys. */
  readonly scale: number;
  /** Pointer to the sinks of the query heads that share the KV head, (headsPerKvHead). */
  readonly sinks?: number | undefined;
}

/**
 * Kernels for the keys and values of one KV head in one layer, `headBytes` at `head`, a multiple of 64. How they are laid out
 * is the tier's own affair. Positions must stay below `contextTokens`.
 */
export interface AttentionKernels {
  readonly shape: AttentionShape;
  /** Bytes of one KV head in one layer; a multiple of 64. */
  readonly headBytes: number;
  /** Bytes of a position's key, and of its value, in a session file. */
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Working memory, a multiple of 64, that `attend` wants at a multiple of 64 for up to `nTokens` positions at once. */
  workBytes(nTokens: number): number;
  /** Makes a head empty. Must be called before anything else is done with a region of memory. */
  clear(head: number): void;
  /**
   * Stores positions nPast … nPast + n − 1, rounded to the cache's precision.
   *
   * @param keys rotated; rows of (headDim), `rowStride` values apart
   * @param values rows of (headDim), `rowStride` values apart
   */
  store(head: number, keys: number, values: number, nPast: number, n: number, rowStride: number): void;
  /**
   * out = attention of the query heads that share this head, at positions nPast … nPast + n − 1, which must be stored.
   *
   * @param q rotated; rows of (headsPerKvHead, headDim), one per position, `qStride` values apart
   * @param out rows of (headsPerKvHead, headDim), `outStride` values apart; must not overlap `q`
   * @param work `workBytes(n)`
   */
  attend(
    head: number,
    q: number,
    out: number,
    work: number,
    nPast: number,
    n: number,
    qStride: number,
    outStride: number,
    scores: ScoreRule,
  ): void;
  /** Copies the keys of the first `n` positions as they are in a session file: `n · keyBytes` at `out`, a multiple of 4. */
  readKeys(head: number, out: number, n: number): void;
  /** The inverse of `readKeys`. */
  writeKeys(head: number, src: number, n: number): void;
  /** Copies the values of the first `n` positions as they are in a session file: `n · valueBytes`. */
  readValues(head: number, out: number, n: number): void;
  /** The inverse of `readValues`. */
  writeValues(head: number, src: number, n: number): void;
}

/** The exported functions of asm/index.ts. Some of them are kernels as they are. */
export type WasmExports = Pick<
  LlamaKernels,
  "scale" | "cap" | "mix" | "addInto" | "slice" | "l2Norm" | "deltaNet" | "convolve"
> &
  Readonly<Record<OtherExport, (...args: number[]) => void>>;

type OtherExport =
  | "initialize"
  | `${"rms_norm" | "swiglu"}${"" | "_lanes"}`
  | "rope"
  | "rope_halves"
  | "geglu"
  | "clamped_swiglu"
  | "sigmoid_gate"
  | "multiply"
  | "clear_head"
  | `${"store" | "copy"}_${"keys" | "values" | "blocks"}`
  | `attend_${"f16" | "f32" | "lanes"}`;
