// What a context remembers, and so where an evaluation may go on. Keys and values of positions can be cut back to any of them; the state
// of a recurrent layer, which every token changes, cannot.

import type { Graph } from "@ll/architectures";
import { SessionError, StatePositionError } from "./errors.ts";
import type { Context, ContextMemory, EvaluateOptions } from "./model.ts";

/** Copies of all recurrent states of a context, of which an evaluation reads one and writes another. The rest is where others ended. */
export const STATE_COPIES = 4;

/** Which copy of the recurrent states a slice reads, undefined for zeros, and which it writes. Both are the same behind the first slice. */
export interface StateCopies {
  readonly from: number | undefined;
  readonly to: number;
}

/** Of a model without recurrent layers. */
export const NO_STATES: StateCopies = { from: undefined, to: 0 };

/** Where the copies of all recurrent states are: where an evaluation is aborted, the one that it began with is still there. */
export class RecurrentMemory {
  readonly kind = "recurrent";
  /** Where each copy is, if it can be gone on from, and how many tokens were evaluated to get there. */
  #ends: readonly ({ readonly position: number; readonly nTokens: number } | undefined)[] = NOWHERE;

  get positions(): number[] {
    const ends = this.#ends.flatMap((end) => end?.position ?? []);
    return [...new Set([0, ...ends])].sort((a, b) => a - b);
  }

  /** The copy that is at `position`, undefined for 0, where all states are zeros. @throws StatePositionError */
  copyAt(position: number): number | undefined {
    if (position === 0) return undefined;
    const copy = this.#ends.findIndex((end) => end?.position === position);
    if (copy === -1) throw new StatePositionError(position, this.positions);
    return copy;
  }

  /** To be called when all that the context has will be replaced. */
  forget(): void {
    this.#ends = NOWHERE;
  }

  /** The copies for an evaluation from `position`. @throws StatePositionError */
  begin(position: number): StateCopies {
    const from = this.copyAt(position);
    // keys and values behind the position will be others
    const kept = this.#ends.map((end) => (end !== undefined && end.position > position ? undefined : end));
    // a copy that is nowhere, or that of the shortest evaluation: ends of chunks of a prompt stay while tokens come one by one
    const nTokensOf = (copy: number): number => (copy === from ? Number.POSITIVE_INFINITY : (kept[copy]?.nTokens ?? 0));
    const to = [...kept.keys()].reduce((best, copy) => (nTokensOf(copy) < nTokensOf(best) ? copy : best));
    this.#ends = kept.with(to, undefined);
    return { from, to };
  }

  /** @param nTokens that were evaluated */
  end({ to }: StateCopies, position: number, nTokens: number): void {
    this.#ends = this.#ends.with(to, { position, nTokens });
  }
}

const NOWHERE: readonly undefined[] = /* @__PURE__ */ new Array<undefined>(STATE_COPIES).fill(undefined);

/** Undefined for a model without recurrent layers. */
export function recurrentMemory({ states }: Graph): RecurrentMemory | undefined {
  return states.length === 0 ? undefined : new RecurrentMemory();
}

/** @throws SessionError `E_SESSION_RECURRENT` unless keys and values are all that there is */
export function assertNoState({ kind }: ContextMemory): void {
  if (kind === "positions") return;
  const message = "session files hold keys and values only, and this model has recurrent state besides";
  throw new SessionError({ code: "E_SESSION_RECURRENT", message, hint: "evaluate the tokens again instead" });
}

/** Bytes of the states of all recurrent layers of a context. */
export function stateBytes({ states }: Graph): number {
  return states.reduce((sum, { axis, unitLength }) => sum + STATE_COPIES * 4 * axis.n * unitLength, 0);
}

export interface ReturnOptions extends Pick<EvaluateOptions, "signal"> {
  /** Most tokens of one evaluation. */
  readonly batchTokens: number;
}

/**
 * Makes sure that `context` can go on behind `tokens`, which it has evaluated from position 0 on. It can, unless its memory is recurrent
 * and has passed that position: then they are evaluated again, from the last position before that it has a copy of its state of. Results
 * are the same.
 */
export async function returnTo(context: Context, tokens: readonly number[], options: ReturnOptions): Promise<void> {
  const { memory } = context;
  if (memory.kind === "positions") return;
  const first = Math.max(...memory.positions.filter((position) => position <= tokens.length));
  await evaluateInBatches(context, tokens.slice(first), first, options);
}

/** Evaluates tokens from `nPast` on, a batch at a time. @returns logits of the last one; undefined for no tokens */
export async function evaluateInBatches(
  context: Context,
  tokens: readonly number[],
  nPast: number,
  { batchTokens, signal }: ReturnOptions,
): Promise<Float32Array | undefined> {
  let logits: Float32Array | undefined;
  for (let first = 0; first < tokens.length; first += batchTokens) {
    logits = await context.evaluate(tokens.slice(first, first + batchTokens), nPast + first, { signal });
  }
  return logits;
}
