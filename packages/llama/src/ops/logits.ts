// Logits of the whole vocabulary.

import type { LogitsOp } from "@ll/architectures";
import { matmul } from "../scalar/matmul.ts";
import { type OpKind, rowOf } from "./op.ts";

export const logits: OpKind<LogitsOp> = {
  async scalar({ x, weight }, run) {
    const n = run.nRows(x);
    const rows = run.rows(x);
    await matmul(run.logits, run.tensor(weight), 0, weight.shape[0]!, rows, n, run);
    run.embedding.set(rowOf(rows, n - 1, x.width));
  },
};
