// What the main thread and a worker say to each other. Buffers are handed over and come back with the answer, so that none is
// copied and none is made after the start.

import type { GgufPackerSet, KernelSet } from "@ll/quant";
import type { LostValues } from "../events.ts";
import type { Packing } from "./packer.ts";

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
