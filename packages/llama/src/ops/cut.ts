// The own columns of a value that every shard has.

import type { CutOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

export const cut: OpKind<CutOp> = {
  scalar({ x, out }, run) {
    run.rows(out).set(run.rows(x)); // nothing is cut here
  },
  bind({ x, out }, { memory, value }) {
    const { address, columns } = value(out);
    const from = value(x).address;
    return [(slice) => memory.copyColumnsIn(address, columns, from, x.width, nRowsOf(x, slice))];
  },
};
