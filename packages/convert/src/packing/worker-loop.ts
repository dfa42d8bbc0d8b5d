// A worker: packs the pieces it is sent, one after the other. Buffers are handed over and come back with the answer, so that none is
// copied and none is made after the start.

import { answerRequests, type ParentPort, type WorkerAnswer } from "@ll/bytes/workers";
import type { GgufPackerSet, KernelSet } from "@ll/quant";
import type { LostValues } from "../events.ts";
import type { Packing } from "./packer.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

/** What the main thread says to a worker. */
export type Request =
  /** The first one. */
  | { readonly kind: "set-up"; readonly kernels: KernelSet; readonly packers: GgufPackerSet }
  | {
      readonly kind: "pack";
      readonly packing: Packing;
      /** Its first `byteLength` bytes are a piece. */
      readonly source: ArrayBuffer;
      readonly byteLength: number;
      /** For the result. */
      readonly packed: ArrayBuffer;
    };

/** The answer to a piece. */
export interface Packed {
  readonly source: ArrayBuffer;
  /** Its first `byteLength` bytes are the packed piece. */
  readonly packed: ArrayBuffer;
  readonly byteLength: number;
  readonly histogram: Float64Array; // (16)
  readonly lost?: LostValues | undefined;
}

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
