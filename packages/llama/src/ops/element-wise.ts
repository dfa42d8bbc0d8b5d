// Operations on single numbers: sums, factors, and gates such as the SwiGLU unit (Shazeer, arXiv:2002.05202).

import type { AddOp, GateOp, ScaleOp } from "@ll/architectures";
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

export const scale: OpKind<ScaleOp> = {
  scalar({ x, by }, run) {
    scaleBy(run.rows(x), typeof by === "number" ? by : run.numbers(by)[0]!);
  },
  bind({ x, by }, { llama, memory, value, weight }) {
    const { address, width } = value(x);
    const at = typeof by === "number" ? undefined : weight(by).address;
    return [
      (slice) => {
        const factor = at === undefined ? (by as number) : memory.floats(at, 1)[0]!;
        llama.scale(address, nRowsOf(x, slice) * width, factor);
      },
    ];
  },
};

/** x = x · factor, which is rounded to binary32. */
export function scaleBy(x: Float32Array, factor: number): void {
  const rounded = Math.fround(factor);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! * rounded;
}

export const gate: OpKind<GateOp> = {
  scalar({ activation, gate, up }, run) {
    run.arithmetic.gate(activation, run.rows(gate), run.rows(up), run.nRows(gate) * gate.width);
  },
  bind({ activation, gate, up }, { llama, value }) {
    const { address, width } = value(gate);
    const other = value(up).address;
    return [(slice) => llama.gate(activation, address, other, nRowsOf(gate, slice) * width)];
  },
};
