// The rows whose logits are wanted.

import type { SelectOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

export const select: OpKind<SelectOp> = {
  scalar({ x, out }, run) {
    const rows = run.rows(x);
    run.rows(out).set(rows.subarray(rows.length - run.nRows(out) * out.width));
  },
  bind({ x, out }, { memory, value }) {
    const { address, width } = value(x);
    const target = value(out).address;
    return [
      (slice) => {
        const n = nRowsOf(out, slice);
        const first = nRowsOf(x, slice) - n;
        memory.floats(target, n * width).set(memory.floats(address + 4 * first * width, n * width));
      },
    ];
  },
};
