// All columns of values that are cut over shards.

import type { GatherOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf } from "./op.ts";

export const gather: OpKind<GatherOp> = {
  scalar({ xs, out }, run) {
    const rows = run.rows(out); // nothing is cut here
    let first = 0;
    for (const x of xs) {
      const from = run.rows(x);
      for (let i = 0; i < run.nRows(x); i++) rows.set(rowOf(from, i, x.width), i * out.width + first);
      first += x.width;
    }
  },
  bind({ xs, out, slot }, { memory, exchange, value }) {
    const target = value(out).address;
    const shown = exchange.slots[slot];
    let first = 0;
    const places = xs.map((x) => {
      const { address, columns } = value(x);
      const place = { address, columns: { start: first + columns.start, end: first + columns.end } };
      first += x.width;
      return place;
    });
    return [
      (slice) => {
        for (const { address, columns } of places) {
          memory.copyColumnsOut(shown, out.width, columns, address, nRowsOf(out, slice));
        }
      },
      "barrier",
      (slice) => memory.copyIn(target, shown, nRowsOf(out, slice) * out.width),
    ];
  },
};
