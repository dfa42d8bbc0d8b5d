// The rows whose logits are wanted.

import type { SelectOp } from "@ll/architectures";
import type { OpKind, SlicePart } from "./op.ts";

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
