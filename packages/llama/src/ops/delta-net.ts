// Gated delta nets (Yang, Kautz and Hatamizadeh, arXiv:2412.06464): recurrent layers whose state is a matrix of each head that
// associates values with keys. Each token forgets a part of it and corrects what its key stands for.

import type { DeltaNetOp, Value } from "@ll/architectures";
import { expf, sigmoid, softplus } from "../arithmetic/lanes.ts";
import { type OpKind, rowOf, rowsOfPart, type ScalarState } from "./op.ts";

const f = Math.fround;

export const deltaNet: OpKind<DeltaNetOp> = {
  scalar({ q, k, v, alpha, beta, timeStep, rate, headDim, out, state }, run) {
    const [decays, rates] = [run.rows(alpha), run.rows(beta)];
    toGates(decays, rates, run.numbers(timeStep), run.numbers(rate));
    for (const part of run.parts) {
      const rowsOf = (value: Value): Float32Array => rowsOfPart(run.rows(value), part, value.width);
      const rows = { q: rowsOf(q), k: rowsOf(k), v: rowsOf(v), decays: rowsOf(alpha), rates: rowsOf(beta) };
      applyDeltaNet(rowsOf(out), rows, part.states[state]!, alpha.width, headDim);
    }
  },
  bind({ q, k, v, alpha, beta, timeStep, rate, headDim, out, state }, { llama, memory, value, weight }) {
    const [queries, keys, values, decays, rates, outs] = [q, k, v, alpha, beta, out].map((x) => value(x).address) as [
      ...[number, number, number, number, number, number],
    ];
    const { width: nHeads } = value(alpha);
    const [steps, slopes] = [weight(timeStep).address, weight(rate).address];
    if (nHeads === 0) return [];
    return [
      ({ tokens: { length: n }, parts }, caches) => {
        const numbers = (at: number, length: number): Float32Array => memory.floats(at, length);
        const both = [numbers(decays, n * nHeads), numbers(rates, n * nHeads)] as const;
        toGates(...both, numbers(steps, nHeads), numbers(slopes, nHeads));
        const scale = scaleOf(headDim);
        for (const [part, { first, n, copies }] of parts.entries()) {
          const [before, after] = caches[part]!.state(state, copies);
          const rows = [outs, queries, keys, values].map((address) => address + 4 * first * nHeads * headDim) as [
            ...[number, number, number, number],
          ];
          const gates = [decays + 4 * first * nHeads, rates + 4 * first * nHeads] as const;
          llama.deltaNet(...rows, ...gates, before, after, n, nHeads, headDim, scale);
        }
      },
    ];
  },
};

function scaleOf(headDim: number): number {
  return f(1 / f(Math.sqrt(headDim)));
}

/** In place: alpha becomes what is left of the state, beta the share of a correction. */
function toGates(
  alpha: Float32Array, // (n, heads)
  beta: Float32Array, // (n, heads)
  timeStep: Float32Array, // (heads)
  rate: Float32Array, // (heads), negative
): void {
  for (let i = 0; i < alpha.length; i++) {
    const head = i % timeStep.length;
    alpha[i] = expf(f(softplus(f(alpha[i]! + timeStep[head]!)) * rate[head]!));
    beta[i] = sigmoid(beta[i]!);
  }
}

export interface DeltaNetRows {
  readonly q: Float32Array; // (n, heads, headDim)
  readonly k: Float32Array; // the same
  readonly v: Float32Array; // the same
  readonly decays: Float32Array; // (n, heads)
  readonly rates: Float32Array; // (n, heads)
}

/**
 * For each token and head: M = decay · M, d = rate · (v - Mᵀk), M = M + k dᵀ, out = Mᵀq / √headDim. Sums run in the order of the keys.
 */
export function applyDeltaNet(
  out: Float32Array, // (n, heads, headDim)
  { q, k, v, decays, rates }: DeltaNetRows,
  { before, after }: ScalarState, // (heads, headDim, headDim) each: M, (key, value)
  nHeads: number,
  headDim: number,
  scale: number = scaleOf(headDim),
): void {
  const size = headDim * headDim;
  const sums = new Float32Array(headDim); // (headDim)
  if (after !== before) after.set(before);
  for (let i = 0; i < decays.length; i++) {
    const m = rowOf(after, i % nHeads, size); // (headDim, headDim)
    const [query, key, value, y] = [q, k, v, out].map((rows) => rowOf(rows, i, headDim)) as [
      ...[Float32Array, Float32Array, Float32Array, Float32Array],
    ];
    sums.fill(0);
    for (let at = 0; at < size; at++) {
      m[at] = m[at]! * decays[i]!;
      const [row, column] = [Math.floor(at / headDim), at % headDim];
      sums[column] = sums[column]! + f(m[at]! * key[row]!);
    }
    for (let j = 0; j < headDim; j++) sums[j] = rates[i]! * f(value[j]! - sums[j]!);
    y.fill(0);
    for (let at = 0; at < size; at++) {
      const [row, column] = [Math.floor(at / headDim), at % headDim];
      m[at] = m[at]! + f(key[row]! * sums[column]!);
      y[column] = y[column]! + f(m[at]! * query[row]!);
    }
    for (let j = 0; j < headDim; j++) y[j] = y[j]! * scale;
  }
}
