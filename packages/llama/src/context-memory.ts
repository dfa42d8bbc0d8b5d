// What a context remembers, and so where an evaluation may go on. Keys and values of positions can be cut back to any of them; the state
// of a recurrent layer, which every token changes, cannot.

import type { Graph } from "@ll/architectures";
import { SessionError, StatePositionError } from "./errors.ts";
import type { Context, ContextMemory } from "./model.ts";

/** Copies of all recurrent states of a context, of which an evaluation reads one and writes another. */
export const STATE_COPIES = 2;

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
  /** Where each copy is, if it can be gone on from. */
  #at: readonly (number | undefined)[] = new Array(STATE_COPIES).fill(undefined);

  get positions(): number[] {
    return [...new Set([0, ...this.#at.filter((position) => position !== undefined)])].sort((a, b) => a - b);
  }

  /** The copy that is at `position`, undefined for 0, where all states are zeros. @throws StatePositionError */
  copyAt(position: number): number | undefined {
    if (position === 0) return undefined;
    const copy = this.#at.indexOf(position);
    if (copy === -1) throw new StatePositionError(position, this.positions);
    return copy;
  }

  /** To be called when all that the context has will be replaced. */
  forget(): void {
    this.#at = this.#at.map(() => undefined);
  }

  /** The copies for an evaluation from `position`. @throws StatePositionError */
  begin(position: number): StateCopies {
    const from = this.copyAt(position);
    const to = from === 0 ? 1 : 0;
    // keys and values behind the position will be others
    this.#at = this.#at.map((at, copy) => (copy === to || (at ?? 0) > position ? undefined : at));
    return { from, to };
  }

  end({ to }: StateCopies, position: number): void {
    this.#at = this.#at.map((at, copy) => (copy === to ? position : at));
  }
}

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

export interface ReturnOptions {
  /** Most tokens of one evaluation. */
  readonly batchTokens: number;
  readonly signal?: NonNullable<Parameters<Context["evaluate"]>[2]>["signal"];
}

/**
 * Makes sure that `context` can go on behind `tokens`, which it has evaluated from position 0 on. It can, unless its memory is recurrent
 * and has passed that position: then they are evaluated again. Results are the same.
 */
export async function returnTo(
  context: Context,
  tokens: readonly number[],
  { batchTokens, signal }: ReturnOptions,
): Promise<void> {
  const { memory } = context;
  if (memory.kind === "positions" || memory.positions.includes(tokens.length)) return;
  for (let first = 0; first < tokens.length; first += batchTokens) {
    const batch = tokens.slice(first, first + batchTokens);
    await context.evaluate(batch, first, signal === undefined ? {} : { signal });
  }
}
