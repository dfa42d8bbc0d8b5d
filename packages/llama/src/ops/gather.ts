// All columns of a value that is cut over shards.

import type { GatherOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

export const gather: OpKind<GatherOp> = {
  scalar({ x, out }, run) {
    run.rows(out).set(run.rows(x)); // nothing is cut here
  },
  bind({ x, out, slot }, { memory, exchange, value }) {
    const { address, columns } = value(x);
    const target = value(out).address;
    const shown = exchange.slots[slot];
    return [
      (slice) => memory.copyColumnsOut(shown, x.width, columns, address, nRowsOf(x, slice)),
      "barrier",
      (slice) => memory.copyIn(target, shown, nRowsOf(x, slice) * x.width),
    ];
  },
};
