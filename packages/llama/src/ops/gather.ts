// All columns of a value that is cut over shards.

import type { GatherOp } from "@ll/architectures";
import type { OpKind } from "./op.ts";

export const gather: OpKind<GatherOp> = {
  scalar({ x, out }, run) {
    run.rows(out).set(run.rows(x)); // nothing is cut here
  },
};
