// A gate on another value, such as the SwiGLU unit (Shazeer, arXiv:2002.05202).

import type { GateOp } from "@ll/architectures";
import type { OpKind } from "./op.ts";

export const gate: OpKind<GateOp> = {
  scalar({ activation, gate, up }, run) {
    run.arithmetic.gate(activation, run.rows(gate), run.rows(up), run.nRows(gate) * gate.width);
  },
};
