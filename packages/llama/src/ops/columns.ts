// Values rearranged: columns that are cut over shards, pieces of columns, and rows whose logits are wanted.

import type { CutOp, GatherOp, SelectOp, SliceOp } from "@ll/architectures";
import { nRowsOf, type OpKind, rowOf, type SlicePart } from "./op.ts";

/** All columns of values that are cut over shards. */
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

/** The own columns of a value that every shard has. */
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

/** A piece of each group of columns, such as one of two values whose heads take turns. */
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

/** The rows whose logits are wanted. */
export const select: OpKind<SelectOp> = {
  scalar({ x, out }, run) {
    const columns = x.perToken * x.width;
    const [rows, wanted] = [run.rows(x), run.rows(out)];
    for (const { from, to, n } of wantedRows(run.parts)) {
      wanted.set(rows.subarray(from * columns, (from + n) * columns), to * columns);
    }
  },
  bind({ x, out }, { memory, value }) {
    const { address, width } = value(x);
    const target = value(out).address;
    return [
      ({ parts }) => {
        const columns = x.perToken * width;
        for (const { from, to, n } of wantedRows(parts)) {
          memory.copy(target + 4 * to * columns, address + 4 * from * columns, n * columns);
        }
      },
    ];
  },
};

/** Of each part of a slice the last tokens, and where they are to be. */
function* wantedRows(parts: readonly SlicePart[]): Generator<{ from: number; to: number; n: number }> {
  let to = 0;
  for (const { first, n, nLogitRows } of parts) {
    yield { from: first + n - nLogitRows, to, n: nLogitRows };
    to += nLogitRows;
  }
}
