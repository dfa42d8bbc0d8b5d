// What this package throws: bad weights, bad session files, positions that do not fit a context, and a lack of memory.

import { FormatError, IoError, isFormatError, kindOf, type TensorSource } from "@ll/bytes";

/**
 * Hyper-parameters or tensors that do not make a LLaMA model.
 * Codes: `E_HPARAM`, `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR`, `E_SHAPE`, `E_TENSOR_TYPE`, `E_LENGTH`; from `configFromGguf` also
 * `E_UNSUPPORTED`.
 */
export class ModelError extends FormatError {
  override readonly name: string = "ModelError";
}

/**
 * A session file that does not belong to this model and context, or that is damaged.
 * Codes: `E_SESSION_MAGIC`, `E_SESSION_VERSION`, `E_SESSION_HPARAMS`, `E_SESSION_KV_TYPE`, `E_RANGE`, `E_MISMATCH`,
 * `E_TRUNC`, `E_TRAILING`, `E_OVERFLOW`; `E_SESSION_RECURRENT` for a model whose state such files have no place for.
 */
export class SessionError extends FormatError {
  override readonly name: string = "SessionError";
}

/** Tokens that reach past the last position of a context. */
export class ContextOverflowError extends RangeError {
  override readonly name: string = "ContextOverflowError";
  readonly code = "E_CONTEXT_FULL";
  readonly nPast: number;
  readonly nTokens: number;
  readonly contextTokens: number;

  /** @param reserved positions that must stay free behind the tokens */
  constructor(nPast: number, nTokens: number, contextTokens: number, reserved = 0) {
    const free =
      reserved === 0
        ? ""
        : `: ${reserved} must stay free behind them, so that at most ${Math.max(0, contextTokens - reserved)} fit`;
    super(`${nTokens} tokens at position ${nPast} do not fit a context of ${contextTokens} tokens${free}`);
    this.nPast = nPast;
    this.nTokens = nTokens;
    this.contextTokens = contextTokens;
  }
}

/**
 * An evaluation at a position that a recurrent model cannot go back to: every token changes its state. Evaluate the tokens again from
 * position 0, as `returnTo` does, or go on at one of `positions`.
 */
export class StatePositionError extends RangeError {
  override readonly name: string = "StatePositionError";
  readonly code = "E_STATE_POSITION";
  readonly nPast: number;
  /** Where the context can go on. */
  readonly positions: readonly number[];

  constructor(nPast: number, positions: readonly number[]) {
    super(
      `the state of this recurrent model is not at position ${nPast}: go on at ${positions.join(" or ")}, or evaluate the tokens before ${nPast} again, from position 0`,
    );
    this.nPast = nPast;
    this.positions = positions;
  }
}

/** What is wrong with one item of a batch, of which nothing was computed: all contexts are as they were. */
export class BatchItemError extends Error {
  override readonly name: string = "BatchItemError";
  readonly code = "E_BATCH_ITEM";
  /** Which one, from 0. */
  readonly item: number;
  /** What an evaluation of this item alone would throw. */
  override readonly cause: Error;

  constructor(item: number, cause: Error) {
    super(`items[${item}]: ${cause.message}`);
    this.item = item;
    this.cause = cause;
  }
}

/** An `IoError` `E_NOMEM` that says how much memory was wanted. */
export class MemoryError extends IoError {
  /** What the memory was for. */
  readonly purpose: string;
  /** Bytes that were wanted, of one WebAssembly memory. */
  readonly need: number;
  /** Bytes that may be had. */
  readonly have: number;

  constructor(purpose: string, need: number, have: number, cause?: unknown) {
    super({
      code: "E_NOMEM",
      message: `no memory for ${purpose}: ${need} bytes are needed, ${have} can be had`,
      cause,
    });
    this.purpose = purpose;
    this.need = need;
    this.have = have;
  }
}

/** True for a `ModelError` of any installed copy of this package; with `code`, only for that code. */
export function isModelError(error: unknown, code?: string): error is ModelError {
  return isFormatError(error, code) && error.name === "ModelError";
}

/** True for a `SessionError` of any installed copy of this package; with `code`, only for that code. */
export function isSessionError(error: unknown, code?: string): error is SessionError {
  return isFormatError(error, code) && error.name === "SessionError";
}

/** For who passes what is not yet opened, or opened by the wrong function. @throws TypeError that says what to pass */
export function assertTensorSource(source: TensorSource): void {
  const { names, tensor } = (source ?? {}) as Partial<TensorSource>;
  if (typeof names !== "function" || typeof tensor !== "function") {
    const advice = "await openGgml(source) of @ll/ggml-format or await openGguf(source) of @ll/gguf";
    throw new TypeError(`"source" expected an opened file, what ${advice} gives, got ${kindOf(source)}`);
  }
}
