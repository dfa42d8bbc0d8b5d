// Norms of rows or of each head in a row: RMS norm (Zhang and Sennrich, arXiv:1910.07467), and heads of length 1.

import type { L2NormOp, NormOp } from "@ll/architectures";
import { laneSum } from "@ll/quant";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

const f = Math.fround;

export const norm: OpKind<NormOp> = {
  scalar({ x, weight, group, eps, out }, run) {
    const numbers = weight === undefined ? new Float32Array(group).fill(1) : run.numbers(weight);
    const [from, to] = [run.rows(x), run.rows(out)];
    const nGroups = (run.nRows(x) * x.width) / group;
    for (let i = 0; i < nGroups; i++) run.arithmetic.rmsNorm(rowOf(to, i, group), rowOf(from, i, group), numbers, eps);
  },
  scratchBytes: ({ weight, group }) => (weight === undefined ? 4 * group : 0), // for a weight of ones
  bind({ x, weight, group, eps, out }, { llama, memory, scratch, value, weight: weightOf }) {
    const { address, width } = value(x);
    const target = value(out).address;
    const numbers = weight === undefined ? scratch : weightOf(weight).address;
    return [
      (slice) => {
        if (weight === undefined) memory.floats(scratch, group).fill(1);
        llama.rmsNorm(target, address, numbers, (nRowsOf(x, slice) * width) / group, group, eps);
      },
    ];
  },
};

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
