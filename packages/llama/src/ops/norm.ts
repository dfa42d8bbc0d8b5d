// RMS norm (Zhang and Sennrich, arXiv:1910.07467) of rows, or of each head in a row.

import type { NormOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

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
