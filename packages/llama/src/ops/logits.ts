// Logits of the whole vocabulary.

import type { LogitsOp } from "@ll/architectures";
import { matmul } from "../scalar/matmul.ts";
import { type Product, Products, packedBytes, pieceRows } from "../team/matrix-products.ts";
import type { Pieces } from "../team/pieces.ts";
import { sizeOf } from "../team/ranges.ts";
import { type OpKind, rowOf, type ScratchSizes, type Slice } from "./op.ts";

/** Rows of the matrix whose products with a slice of tokens there is room for. */
const ROOM_ROWS = 512;

function roomBytes({ sliceTokens }: Pick<ScratchSizes, "sliceTokens">): number {
  return 4 * ROOM_ROWS * sliceTokens;
}

export const logits: OpKind<LogitsOp> = {
  async scalar({ x, weight }, run) {
    const n = run.nRows(x);
    const rows = run.rows(x);
    await matmul(run.logits, run.tensor(weight), 0, weight.shape[0]!, rows, n, run);
    run.embedding.set(rowOf(rows, n - 1, x.width));
  },
  scratchBytes: ({ weight }, sizes) => packedBytes([weight], sizes) + roomBytes(sizes),
  bind({ x, weight }, { kernels, memory, exchange, sliceTokens, isFirst, scratch, value, weight: weightOf }) {
    const input = value(x).address;
    const { rows, columns, address } = weightOf(weight);
    const nVocab = weight.shape[0]!;
    const room = scratch;
    const step = new Products(kernels, scratch + roomBytes({ sliceTokens }), sliceTokens, [weightOf(weight)]);
    const [product] = step.products as [Product];
    return [
      function* ({ nLogitRows: n }: Slice): Pieces {
        if (isFirst) exchange.embedding.set(memory.floats(input + 4 * (n - 1) * columns, columns));
        if (sizeOf(rows) === 0) return;
        step.pack(input, n);
        // the logits of many tokens do not fit the working memory: a few rows of the matrix at a time
        const mostRows = Math.min(ROOM_ROWS, pieceRows(columns, n));
        for (let row = 0; row < sizeOf(rows); row += mostRows) {
          if (row > 0) yield "piece";
          const end = Math.min(sizeOf(rows), row + mostRows);
          const out = room - 4 * row; // the kernel writes from `row` on
          product.kernels.multiply(address, product.packed, out, row, end, columns, n, end - row);
          memory.copyColumnsOut(exchange.logits, nVocab, { start: rows.start + row, end: rows.start + end }, room, n);
        }
      },
      "barrier",
    ];
  },
};
