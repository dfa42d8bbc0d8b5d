// A value times one number.

import type { ScaleOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

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
