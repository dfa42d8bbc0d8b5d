// Logits of the whole vocabulary.

import type { LogitsOp } from "@ll/architectures";
import { capped } from "../arithmetic/lanes.ts";
import { matmul } from "../scalar/matmul.ts";
import { type Product, Products, packedBytes, pieceRows } from "../team/matrix-products.ts";
import type { Pieces } from "../team/pieces.ts";
import { sizeOf } from "../team/ranges.ts";
import { addInto } from "./add.ts";
import { type OpKind, rowOf, type ScratchSizes, type Slice } from "./op.ts";
import { scaleBy } from "./scale.ts";

/** Rows of the matrix whose products with a slice of tokens there is room for. */
const ROOM_ROWS = 512;

function roomBytes({ sliceTokens }: Pick<ScratchSizes, "sliceTokens">): number {
  return 4 * ROOM_ROWS * sliceTokens;
}

export const logits: OpKind<LogitsOp> = {
  async scalar({ x, weight, scale, bias, factor, softCap }, run) {
    const n = run.nRows(x);
    const rows = run.rows(x);
    const nVocab = weight.shape[0]!;
    const logits = run.logits.subarray(0, n * nVocab);
    await matmul(logits, run.tensor(weight), 0, nVocab, rows, n, run);
    if (scale !== undefined) scaleBy(logits, run.numbers(scale)[0]!);
    for (let i = 0; bias !== undefined && i < n; i++) addInto(rowOf(logits, i, nVocab), run.numbers(bias), nVocab);
    if (factor !== undefined) scaleBy(logits, factor);
    for (let i = 0; softCap !== undefined && i < logits.length; i++) logits[i] = capped(logits[i]!, softCap);
    run.embeddings.set(rows);
  },
  matrixInput: ({ x, weight }) => ({ x, weights: [weight] }),
  scratchBytes: ({ weight }, sizes) => packedBytes([weight], sizes) + roomBytes(sizes),
  bind(op, shard) {
    const { x, weight, scale, bias, factor, softCap } = op;
    const { kernels, llama, memory, exchange, sliceTokens, isFirst, scratch, value, weight: weightOf } = shard;
    const input = value(x).address;
    const { rows, columns, address } = weightOf(weight);
    const nVocab = weight.shape[0]!;
    const room = scratch;
    const step = new Products(kernels, scratch + roomBytes({ sliceTokens }), sliceTokens, [weightOf(weight)]);
    const scaleAt = scale === undefined ? undefined : weightOf(scale).address;
    const biasAt = bias === undefined ? undefined : weightOf(bias).address;
    const [product] = step.products as [Product];
    return [
      function* ({ nLogitRows: n }: Slice): Pieces {
        if (isFirst) exchange.embeddings.set(memory.floats(input, n * columns));
        if (sizeOf(rows) === 0) return;
        step.pack(input, n);
        // the logits of many tokens do not fit the working memory: a few rows of the matrix at a time
        const mostRows = Math.min(ROOM_ROWS, pieceRows(columns, n));
        for (let row = 0; row < sizeOf(rows); row += mostRows) {
          if (row > 0) yield "piece";
          const end = Math.min(sizeOf(rows), row + mostRows);
          const out = room - 4 * row; // the kernel writes from `row` on
          product.kernels.multiply(address, product.packed, out, row, end, columns, n, end - row);
          const nHere = n * (end - row);
          if (scaleAt !== undefined) llama.scale(room, nHere, memory.floats(scaleAt, 1)[0]!);
          for (let i = 0; biasAt !== undefined && i < n; i++) {
            llama.addInto(room + 4 * i * (end - row), biasAt + 4 * row, end - row);
          }
          if (factor !== undefined) llama.scale(room, nHere, factor);
          if (softCap !== undefined) llama.cap(room, nHere, softCap);
          memory.copyColumnsOut(exchange.logits, nVocab, { start: rows.start + row, end: rows.start + end }, room, n);
        }
      },
      "barrier",
    ];
  },
};
