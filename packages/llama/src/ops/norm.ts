// RMS norm (Zhang and Sennrich, arXiv:1910.07467) of rows, or of each head in a row.

import type { NormOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const norm: OpKind<NormOp> = {
  scalar({ x, weight, eps, out }, run) {
    const numbers = run.numbers(weight);
    const group = numbers.length;
    const [from, to] = [run.rows(x), run.rows(out)];
    const nGroups = (run.nRows(x) * x.width) / group;
    for (let i = 0; i < nGroups; i++) run.arithmetic.rmsNorm(rowOf(to, i, group), rowOf(from, i, group), numbers, eps);
  },
  bind({ x, weight, eps, out }, { llama, value, weight: weightOf }) {
    const { address, width } = value(x);
    const target = value(out).address;
    const group = weight.shape[0]!;
    const numbers = weightOf(weight).address;
    return [(slice) => llama.rmsNorm(target, address, numbers, (nRowsOf(x, slice) * width) / group, group, eps)];
  },
};
