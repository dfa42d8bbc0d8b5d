// Heads of length 1.

import type { L2NormOp } from "@ll/architectures";
import { laneSum } from "@ll/quant";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

const f = Math.fround;

export const l2Norm: OpKind<L2NormOp> = {
  scalar({ x, headDim, eps }, run) {
    const rows = run.rows(x);
    for (let i = 0; i < rows.length / headDim; i++) toUnit(rowOf(rows, i, headDim), eps);
  },
  bind({ x, headDim, eps }, { llama, value }) {
    const { address, width } = value(x);
    return [(slice) => llama.l2Norm(address, (nRowsOf(x, slice) * width) / headDim, headDim, eps)];
  },
};

/** x = x divided by its length, or by `eps` if that is larger; the squares are summed as in lane-sums.ts. */
export function toUnit(x: Float32Array, eps: number): void {
  const length = f(Math.sqrt(laneSum(x.map((value) => value * value))));
  const factor = f(1 / Math.max(length, f(eps)));
  for (let i = 0; i < x.length; i++) x[i] = x[i]! * factor;
}
