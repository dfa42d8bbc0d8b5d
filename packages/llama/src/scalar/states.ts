// The states of recurrent layers, in two copies.

import type { StateShape } from "@ll/architectures";
import { allocate } from "@ll/bytes";
import type { StateCopies } from "../context-memory.ts";

/** One layer's state in front of a slice, and behind it; they may be the same array. */
export interface ScalarState {
  readonly before: Float32Array; // (units of the axis · unitLength)
  readonly after: Float32Array; // the same
}

/** @throws IoError `E_NOMEM` */
export function createStates(states: readonly StateShape[]): (copies: StateCopies) => ScalarState[] {
  const both = [0, 1].map(() =>
    states.map(({ axis, unitLength }) =>
      allocate("the states of recurrent layers", () => new Float32Array(axis.n * unitLength)),
    ),
  );
  return ({ from, to }) => {
    const after = both[to]!;
    if (from === undefined) for (const state of after) state.fill(0);
    return after.map((state, i) => ({ before: both[from ?? to]![i]!, after: state }));
  };
}
