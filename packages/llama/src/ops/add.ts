// Sums of two values.

import type { AddOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

export const add: OpKind<AddOp> = {
  scalar({ into, from }, run) {
    addInto(run.rows(into), run.rows(from), run.nRows(into) * into.width);
  },
  bind({ into, from }, { llama, value }) {
    const { address, width } = value(into);
    const other = value(from).address;
    return [(slice) => llama.addInto(address, other, nRowsOf(into, slice) * width)];
  },
};

/** x = x + y for the first `n`. */
export function addInto(
  x: Float32Array, // (at least n)
  y: Float32Array, // (at least n)
  n: number,
): void {
  for (let i = 0; i < n; i++) x[i] = x[i]! + y[i]!;
}
