// Rows of the embedding matrix.

import type { EmbedOp } from "@ll/architectures";
import { createRowReader, GROUP_ROWS, rowBytes, rowReaderBytes, unpackRows } from "@ll/quant";
import { matrixRow } from "../weights.ts";
import { type OpKind, rowOf } from "./op.ts";

export const embed: OpKind<EmbedOp> = {
  scalar({ weight, out }, run) {
    const matrix = run.tensor(weight);
    const rows = run.rows(out);
    for (const [i, token] of run.tokens.entries()) {
      unpackRows(matrix.type, matrixRow(matrix, token), rowOf(rows, i, out.width));
    }
  },
  bind({ weight, out, slot }, { weight: weightOf, value, memory, exchange, kernels, scratch }) {
    const { form, rows, type, columns, address } = weightOf(weight);
    const shown = exchange.slots[slot];
    const bytes = rowBytes(type, columns);
    const target = value(out).address;
    const read = form === "matrix" ? createRowReader(kernels, type, columns, scratch) : undefined;
    const rowAt = (r: number): Uint8Array => read?.(address, r) ?? memory.bytes(address + r * bytes, bytes);
    return [
      ({ tokens }) => {
        for (const [i, token] of tokens.entries()) {
          if (token < rows.start || token >= rows.end) continue; // another shard has it
          unpackRows(type, rowAt(token - rows.start), rowOf(shown, i, columns));
        }
      },
      "barrier",
      ({ tokens }) => memory.copyIn(target, shown, tokens.length * columns),
    ];
  },
  scratchBytes({ weight }, { isRepacked, typeOf, weightBytes }) {
    if (!isRepacked(weight)) return 0;
    const [type, columns] = [typeOf(weight), weight.shape[1]!];
    return rowReaderBytes(type, columns, weightBytes(type, GROUP_ROWS, columns));
  },
};
