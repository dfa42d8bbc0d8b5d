// Rows of the embedding matrix.

import type { EmbedOp } from "@ll/architectures";
import { unpackRows } from "@ll/quant";
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
};
