// Every operation, by its name in a graph.

import type { Op } from "@ll/architectures";
import { angles } from "./angles.ts";
import { attend } from "./attend.ts";
import { cut, gather, select, slice } from "./columns.ts";
import { convolve } from "./convolve.ts";
import { deltaNet } from "./delta-net.ts";
import { add, gate, scale } from "./element-wise.ts";
import { embed } from "./embed.ts";
import { experts, mix } from "./experts.ts";
import { logits } from "./logits.ts";
import { l2Norm, norm } from "./norm.ts";
import type { OpKind } from "./op.ts";
import { project } from "./project.ts";
import { rope } from "./rope.ts";
import { route } from "./route.ts";

type OpKinds = { readonly [Kind in Op["kind"]]: OpKind<Extract<Op, { kind: Kind }>> };

const OPS: OpKinds = {
  add,
  angles,
  attend,
  convolve,
  cut,
  deltaNet,
  embed,
  experts,
  gate,
  gather,
  l2Norm,
  logits,
  mix,
  norm,
  project,
  rope,
  route,
  scale,
  select,
  slice,
};

export function opKind<O extends Op>(op: O): OpKind<O> {
  return OPS[op.kind] as unknown as OpKind<O>;
}
