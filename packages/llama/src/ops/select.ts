// The rows whose logits are wanted.

import type { SelectOp } from "@ll/architectures";
import type { OpKind } from "./op.ts";

export const select: OpKind<SelectOp> = {
  scalar({ x, out }, run) {
    const rows = run.rows(x);
    run.rows(out).set(rows.subarray(rows.length - run.nRows(out) * out.width));
  },
  bind({ x, out }, { memory, value }) {
    const { address, width } = value(x);
    const target = value(out).address;
    return [
      ({ tokens, nLogitRows }) => {
        const first = tokens.length - nLogitRows;
        memory.floats(target, nLogitRows * width).set(memory.floats(address + 4 * first * width, nLogitRows * width));
      },
    ];
  },
};
