// What is told while a model file is written: two events per tensor, and the totals at the end.

import type { AbortSignal } from "@ll/bytes";

/** A tensor on its way from one file to the other. */
export interface TensorStep {
  /** Counted from 0, in file order. */
  readonly index: number;
  /** Tensors in all. */
  readonly total: number;
  readonly name: string;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  readonly fromType: string;
  readonly toType: string;
  /** True if the bytes are copied as they are. */
  readonly isCopied: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What a whole model came to. */
export interface ModelTotals {
  readonly tensors: number;
  /** Tensor data read; header, vocabulary and padding are not counted. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /**
   * (16) how often each level of the 4, 5 and 8-bit types was written, as build 803 of llama.cpp counts it; all zero if the
   * file has no such tensor.
   */
  readonly histogram: Float64Array;
}

/** How many values of a tensor are no numbers that its new type can hold. */
export interface LostValues {
  readonly nan: number;
  readonly infinite: number;
  /** Finite, but beyond the type, which has infinity for them; in block types, blocks whose scale is beyond binary16. */
  readonly tooLarge: number;
}

export type ModelEvent =
  | ({ readonly kind: "tensor-start" } & TensorStep)
  | ({
      readonly kind: "tensor-done";
      readonly histogram: Float64Array;
      /** Absent for none; tensors that are converted without being rounded are not searched. */
      readonly lost?: LostValues | undefined;
    } & TensorStep)
  | ({ readonly kind: "totals" } & ModelTotals);

/** What `convertCheckpoint` and `quantizeModel` both take. */
export interface WorkOptions {
  /** Write what is left of values that the new type cannot hold, instead of refusing them. */
  readonly allowNonFinite?: boolean | undefined;
  /** Called before and after every tensor, and once at the end. */
  readonly onEvent?: ((event: ModelEvent) => void) | undefined;
  /** Looked at between pieces of about a MiB; its reason is thrown. What the sink has by then is not a model file. */
  readonly signal?: AbortSignal | undefined;
}
