// The rows whose logits are wanted.

import type { SelectOp } from "@ll/architectures";
import type { OpKind } from "./op.ts";

export const select: OpKind<SelectOp> = {
  scalar({ x, out }, run) {
    const rows = run.rows(x);
    run.rows(out).set(rows.subarray(rows.length - run.nRows(out) * out.width));
  },
};
