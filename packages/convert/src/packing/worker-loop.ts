// A worker: packs the pieces it is sent, one after the other. Whatever it throws ends it, and the main thread sees it die.

import type { ParentPort } from "@ll/bytes/workers";
import type { Reply, Request } from "./protocol.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

export function serve(port: ParentPort): void {
  let workbench: Workbench | undefined;
  port.onMessage((message) => {
    const request = message as Request;
    if (request.kind === "set-up") {
      workbench = createWorkbench(request.kernels, 1);
      return;
    }
    port.post(...answer(workbench as Workbench, request));
  });
}

function answer(
  workbench: Workbench,
  { packing, source, byteLength, packed }: Extract<Request, { kind: "pack" }>,
): [Reply, ArrayBuffer[]] {
  workbench.source(0, byteLength).set(new Uint8Array(source, 0, byteLength));
  const { bytes, histogram } = workbench.pack(0, byteLength, packing);
  new Uint8Array(packed).set(bytes);
  return [{ source, packed, byteLength: bytes.length, histogram: Float64Array.from(histogram) }, [source, packed]];
}
