// Every operation, by its name in a graph.

import type { Op } from "@ll/architectures";
import { add } from "./add.ts";
import { angles } from "./angles.ts";
import { attend } from "./attend.ts";
import { convolve } from "./convolve.ts";
import { cut } from "./cut.ts";
import { deltaNet } from "./delta-net.ts";
import { embed } from "./embed.ts";
import { experts, mix } from "./experts.ts";
import { gate } from "./gate.ts";
import { gather } from "./gather.ts";
import { l2Norm } from "./l2-norm.ts";
import { logits } from "./logits.ts";
import { norm } from "./norm.ts";
import type { OpKind } from "./op.ts";
import { project } from "./project.ts";
import { rope } from "./rope.ts";
import { route } from "./route.ts";
import { scale } from "./scale.ts";
import { select } from "./select.ts";
import { slice } from "./slice.ts";

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
