// RMS norm (Zhang and Sennrich, arXiv:1910.07467) of rows, or of each head in a row.

import type { NormOp } from "@ll/architectures";
import { type OpKind, rowOf } from "./op.ts";

export const norm: OpKind<NormOp> = {
  scalar({ x, weight, eps, out }, run) {
    const numbers = run.numbers(weight);
    const group = numbers.length;
    const [from, to] = [run.rows(x), run.rows(out)];
    const nGroups = (run.nRows(x) * x.width) / group;
    for (let i = 0; i < nGroups; i++) run.arithmetic.rmsNorm(rowOf(to, i, group), rowOf(from, i, group), numbers, eps);
  },
};
