// A file that is about to be written, in either container. Plans come from files, and a file may ask for what no model file can hold.

import type { ByteSink } from "@ll/bytes";
import { createGgmlWriter, type GgmlPlan, ggmlFileBytes } from "@ll/ggml-format";
import { createGgufWriter, type GgufPlan, ggufFileBytes } from "@ll/gguf";
import { ConvertError } from "./errors.ts";

/** What the writers of both formats have. */
export interface TensorWriter {
  writeTensor(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  finish(): Promise<void>;
}

export interface FilePlan {
  /** Exact size of the file. */
  readonly byteLength: number;
  /** Names as the container has them, in its order. */
  readonly names: readonly string[];
  begin(sink: ByteSink): Promise<TensorWriter>;
}

/** @throws ConvertError `E_LIMIT` for a file that nobody could read */
export function ggjtFile(plan: GgmlPlan): FilePlan {
  return {
    byteLength: checked(() => ggmlFileBytes(plan)),
    names: plan.tensors.map(({ name }) => name),
    begin: (sink) => createGgmlWriter(sink, plan),
  };
}

/** @throws ConvertError `E_LIMIT` for a file that nobody could read */
export function ggufFile(plan: GgufPlan): FilePlan {
  return {
    byteLength: checked(() => ggufFileBytes(plan)),
    names: plan.tensors.map(({ name }) => name),
    begin: (sink) => createGgufWriter(sink, plan),
  };
}

function checked(measure: () => number): number {
  try {
    return measure();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConvertError({ code: "E_LIMIT", message: `no model file can hold this: ${cause.message}`, cause });
  }
}
