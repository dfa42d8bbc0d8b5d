// A worker: packs the pieces it is sent, one after the other.

import { answerRequests, type ParentPort, type WorkerAnswer } from "@ll/bytes/workers";
import type { Packed, Request } from "./protocol.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

export function serve(port: ParentPort): void {
  let workbench: Workbench | undefined;
  answerRequests<Request>(port, (request) => {
    if (request.kind === "pack") return packed(workbench as Workbench, request);
    workbench = createWorkbench(request.kernels, request.packers, 1);
    return [undefined];
  });
}

function packed(
  workbench: Workbench,
  { packing, source, byteLength, packed }: Extract<Request, { kind: "pack" }>,
): WorkerAnswer {
  workbench.source(0, byteLength).set(new Uint8Array(source, 0, byteLength));
  const { bytes, histogram, lost } = workbench.pack(0, byteLength, packing);
  new Uint8Array(packed).set(bytes);
  const counts = Float64Array.from(histogram);
  const answer: Packed = { source, packed, byteLength: bytes.length, histogram: counts, lost };
  return [answer, [source, packed]];
}
