// Rows of the embedding matrix.

import type { EmbedOp } from "@ll/architectures";
import { rowBytes, unpackRows } from "@ll/quant";
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
  bind({ weight, out, slot }, { weight: weightOf, value, memory, exchange }) {
    const { rows, type, columns, address } = weightOf(weight);
    const shown = exchange.slots[slot];
    const bytes = rowBytes(type, columns);
    const target = value(out).address;
    return [
      ({ tokens }) => {
        for (const [i, token] of tokens.entries()) {
          if (token < rows.start || token >= rows.end) continue; // another shard has it
          const row = memory.bytes(address + (token - rows.start) * bytes, bytes);
          unpackRows(type, row, rowOf(shown, i, columns));
        }
      },
      "barrier",
      ({ tokens }) => memory.copyIn(target, shown, tokens.length * columns),
    ];
  },
};
