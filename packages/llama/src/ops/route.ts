// Which experts a token goes to, and with what weights (Shazeer et al., arXiv:1701.06538). Both engines run this: it is little work.

import type { RouteOp, Routing } from "@ll/architectures";
import { laneSum } from "@ll/quant";
import { expf, sigmoid } from "../arithmetic/lanes.ts";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const route: OpKind<RouteOp> = {
  scalar(op, run) {
    const { x, bias, out } = op;
    const added = bias === undefined ? undefined : run.numbers(bias);
    for (let i = 0; i < run.nRows(x); i++) {
      chooseExperts(rowOf(run.rows(out), i, out.width), rowOf(run.rows(x), i, x.width), op, added);
    }
  },
  bind(op, { memory, value, weight }) {
    const { x, bias, out } = op;
    const [from, to] = [value(x).address, value(out).address];
    const biasAt = bias === undefined ? undefined : weight(bias).address;
    return [
      (slice) => {
        const n = nRowsOf(x, slice);
        const [logits, chosen] = [memory.floats(from, n * x.width), memory.floats(to, n * out.width)];
        const added = biasAt === undefined ? undefined : memory.floats(biasAt, x.width);
        for (let i = 0; i < n; i++) {
          chooseExperts(rowOf(chosen, i, out.width), rowOf(logits, i, x.width), op, added);
        }
      },
    ];
  },
};

/** Below it, llama.cpp does not divide by a sum of scores: 2^-14, the least normal number of binary16. */
const LEAST_SUM = 2 ** -14;

/** The `nUsed` experts with the largest scores, equal ones by their numbers, and their weights. */
export function chooseExperts(
  out: Float32Array, // (2 · nUsed): numbers of experts, then their weights
  logits: Float32Array, // (experts)
  { scores, nUsed, isNormalised }: Routing,
  bias?: Float32Array, // (experts)
): void {
  const all = logits.slice(); // (experts): scores
  if (scores === "softmax") softmax(all);
  if (scores === "sigmoid") for (let e = 0; e < all.length; e++) all[e] = sigmoid(all[e]!);
  const left = all.map((score, e) => score + (bias?.[e] ?? 0)); // (experts): what they are chosen by
  const open = left.map((_, e) => e); // (experts): numbers of those not chosen yet, ascending
  const weights = out.subarray(nUsed); // (nUsed)
  for (let t = 0; t < nUsed; t++) {
    let best = 0; // in `open`
    for (let i = 1; i < open.length - t; i++) if (left[open[i]!]! > left[open[best]!]!) best = i;
    out[t] = open[best]!;
    weights[t] = all[open[best]!]!;
    open.copyWithin(best, best + 1);
  }
  if (scores === "softmax of chosen") softmax(weights);
  if (!isNormalised) return;
  let sum = 0;
  for (const weight of weights) sum = Math.fround(sum + weight);
  for (let t = 0; t < nUsed; t++) weights[t] = weights[t]! / Math.max(sum, LEAST_SUM);
}

/** In place. */
function softmax(x: Float32Array): void {
  const largest = x.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  for (let i = 0; i < x.length; i++) x[i] = expf(Math.fround(x[i]! - largest));
  const inverse = Math.fround(1 / laneSum(x));
  for (let i = 0; i < x.length; i++) x[i] = x[i]! * inverse;
}
