// Logits of the whole vocabulary.

import type { LogitsOp } from "@ll/architectures";
import { capped } from "../arithmetic/lanes.ts";
import type { Pieces } from "../pace.ts";
import { sizeOf } from "../team/ranges.ts";
import { scaleBy } from "./element-wise.ts";
import type { OpKind, ScratchSizes } from "./op.ts";
import { multiplied, Products, packedBytes } from "./products.ts";

/** Rows of the matrix whose products with a slice of tokens there is room for. */
const ROOM_ROWS = 512;

function roomBytes({ sliceTokens }: Pick<ScratchSizes, "sliceTokens">): number {
  return 4 * ROOM_ROWS * sliceTokens;
}

export const logits: OpKind<LogitsOp> = {
  async scalar(op, run) {
    const { x, weight, factor, softCap } = op;
    const rows = run.rows(x);
    const logits = run.logits.subarray(0, run.nRows(x) * weight.shape[0]!);
    await multiplied(logits, op, rows, run.nRows(x), run);
    if (factor !== undefined) scaleBy(logits, factor);
    for (let i = 0; softCap !== undefined && i < logits.length; i++) logits[i] = capped(logits[i]!, softCap);
    run.embeddings.set(rows);
  },
  matrixInput: ({ x, weight }) => ({ x, weights: [weight] }),
  scratchBytes: ({ weight }, sizes) => packedBytes([weight], sizes) + roomBytes(sizes),
  bind(op, shard) {
    const { x, weight, factor, softCap } = op;
    const { llama, memory, exchange, isFirst, scratch: room, value } = shard;
    const input = value(x).address;
    const { rows, columns } = shard.weight(weight);
    const nVocab = weight.shape[0]!;
    const nRows = sizeOf(rows);
    const step = new Products(shard, room + roomBytes(shard), [op]);
    return [
      function* ({ nLogitRows: n }): Pieces {
        if (isFirst) exchange.embeddings.set(memory.floats(input, n * columns));
        if (nRows === 0) return;
        step.pack(input, n);
        // the logits of many tokens do not fit the working memory: a few rows of the matrix at a time
        const mostRows = Math.min(ROOM_ROWS, step.pieceRows(0, n));
        for (let row = 0; row < nRows; row += mostRows) {
          if (row > 0) yield "piece";
          const end = Math.min(nRows, row + mostRows);
          step.multiplyRows(0, room, row, end, n);
          if (factor !== undefined) llama.scale(room, n * (end - row), factor);
          if (softCap !== undefined) llama.cap(room, n * (end - row), softCap);
          memory.copyColumnsOut(exchange.logits, nVocab, { start: rows.start + row, end: rows.start + end }, room, n);
        }
      },
      "barrier",
    ];
  },
};
