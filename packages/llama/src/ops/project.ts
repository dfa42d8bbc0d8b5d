// Products of one input with several matrices.

import type { ProjectOp } from "@ll/architectures";
import { matmul } from "../scalar/matmul.ts";
import { addInto } from "./add.ts";
import { type OpKind, rowOf } from "./op.ts";

export const project: OpKind<ProjectOp> = {
  async scalar({ x, products }, run) {
    const n = run.nRows(x);
    for (const { weight, bias, out } of products) {
      const rows = run.rows(out);
      await matmul(rows, run.tensor(weight), weight.firstRow, out.width, run.rows(x), n, run);
      if (bias === undefined) continue;
      for (let i = 0; i < n; i++) addInto(rowOf(rows, i, out.width), run.numbers(bias), out.width);
    }
  },
};
