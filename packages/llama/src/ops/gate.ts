// A gate on another value, such as the SwiGLU unit (Shazeer, arXiv:2002.05202).

import type { GateOp } from "@ll/architectures";
import { nRowsOf, type OpKind } from "./op.ts";

export const gate: OpKind<GateOp> = {
  scalar({ activation, gate, up }, run) {
    run.arithmetic.gate(activation, run.rows(gate), run.rows(up), run.nRows(gate) * gate.width);
  },
  bind({ activation, gate, up }, { llama, value }) {
    const { address, width } = value(gate);
    const other = value(up).address;
    return [(slice) => llama.gate(activation, address, other, nRowsOf(gate, slice) * width)];
  },
};
