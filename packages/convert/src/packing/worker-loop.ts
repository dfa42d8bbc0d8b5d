// A worker: packs the pieces it is sent, one after the other.

import { type ParentPort, plainError } from "@ll/bytes/workers";
import type { PackedReply, Reply, Request } from "./protocol.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

export function serve(port: ParentPort): void {
  let workbench: Workbench | undefined;
  port.onMessage((message) => {
    const request = message as Request;
    try {
      if (request.kind === "set-up") workbench = createWorkbench(request.kernels, 1);
      else port.post(...answer(workbench as Workbench, request));
    } catch (error) {
      port.post({ kind: "failure", error: plainError(error) } satisfies Reply);
    }
  });
}

function answer(
  workbench: Workbench,
  { packing, source, byteLength, packed }: Extract<Request, { kind: "pack" }>,
): [PackedReply, ArrayBuffer[]] {
  workbench.source(0, byteLength).set(new Uint8Array(source, 0, byteLength));
  const { bytes, histogram, lost } = workbench.pack(0, byteLength, packing);
  new Uint8Array(packed).set(bytes);
  const counts = Float64Array.from(histogram);
  const reply: PackedReply = { kind: "packed", source, packed, byteLength: bytes.length, histogram: counts, lost };
  return [reply, [source, packed]];
}
