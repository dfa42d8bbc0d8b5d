// Writing LoRA adapters ("ggla" version 1), in the layout of llama.cpp's convert-lora-to-ggml.py.

import type { ByteSink } from "@ll/bytes";
import { layOutRecords, type PlannedTensor, type TensorRecord } from "./file-plan.ts";
import { GGLA_MAGIC, GGLA_VERSION, LORA_HEADER_BYTES } from "./lora.ts";
import { type GgmlWriter, recordWriter } from "./write.ts";

/** All that is known of an adapter before its first tensor is read. */
export interface LoraPlan {
  readonly r: number;
  readonly alpha: number;
  /** TENSOR.loraA (row length of TENSOR, rank) and TENSOR.loraB (rows of TENSOR, rank), all f32. */
  readonly tensors: readonly PlannedTensor[];
}

/** Exact size of the file in bytes. @throws RangeError for a plan whose records `openLora` would refuse */
export function loraFileBytes(plan: LoraPlan): number {
  return (layOut(plan).at(-1) as TensorRecord).end;
}

/**
 * Begins an adapter: writes the header. The caller commits or closes the sink after `finish`.
 * @throws RangeError for a plan whose records `openLora` would refuse; what the sink throws
 */
export async function createLoraWriter(sink: ByteSink, plan: LoraPlan): Promise<GgmlWriter> {
  const records = layOut(plan);
  const header = new DataView(new ArrayBuffer(LORA_HEADER_BYTES));
  header.setUint32(0, GGLA_MAGIC, true);
  header.setUint32(4, GGLA_VERSION, true);
  header.setInt32(8, plan.r, true);
  header.setInt32(12, plan.alpha, true);
  await sink.write(new Uint8Array(header.buffer));
  return recordWriter(sink, records);
}

function layOut({ r, alpha, tensors }: LoraPlan): TensorRecord[] {
  assertInteger("r", r, 1);
  assertInteger("alpha", alpha, -(2 ** 31));
  if (tensors.length === 0) throw new RangeError('"tensors" expected at least one pair, got none');
  for (const { name, type, shape } of tensors) {
    if (type !== "f32" || shape.length !== 2) {
      throw new RangeError(`"tensors" expected f32 matrices, got ${type} with ${shape.length} dimensions for ${name}`);
    }
    if (!/.\.lora[AB]$/s.test(name)) throw new RangeError(`"name" expected TENSOR.loraA or TENSOR.loraB, got ${name}`);
  }
  return layOutRecords(tensors, 3, LORA_HEADER_BYTES);
}

function assertInteger(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 0x7fffffff) {
    throw new RangeError(`"${name}" expected a whole number from ${least} to 2^31 - 1, got ${value}`);
  }
}
