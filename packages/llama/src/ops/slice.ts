// A piece of each group of columns, such as one of two values whose heads take turns.

import type { SliceOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const slice: OpKind<SliceOp> = {
  scalar({ x, group, first, size, out }, run) {
    slicePieces(run.rows(out), run.rows(x), group, first, size);
  },
  bind({ x, group, first, size, out }, { llama, value }) {
    const { address, width } = value(x);
    const target = value(out).address;
    return [(turn) => llama.slice(target, address, (nRowsOf(x, turn) * width) / group, group, first, size)];
  },
};

export function slicePieces(
  out: Float32Array, // (nGroups, size)
  x: Float32Array, // (nGroups, group)
  group: number,
  first: number,
  size: number,
): void {
  for (let i = 0; i < x.length / group; i++) out.set(rowOf(x, i, group).subarray(first, first + size), i * size);
}
