// A file that is about to be written: what goes into it, and where everything will stand.

import { GGUF_MAGIC } from "./header.ts";
import { MAX_ALIGNMENT, MAX_DIMS, MAX_METADATA, MAX_NAME_BYTES, MAX_TENSORS } from "./limits.ts";
import { ALIGNMENT_KEY, DEFAULT_ALIGNMENT } from "./read.ts";
import { alignUp } from "./tensor-directory.ts";
import { tensorBytes, tensorType } from "./tensor-type.ts";
import { assertName, ByteBuilder, type WritableValue, writePair } from "./value-bytes.ts";

export interface PlannedTensor {
  readonly name: string;
  /** Any tensor type of ggml, such as "q4_0". */
  readonly type: string;
  /** Slowest dimension first, at most four. */
  readonly shape: readonly number[];
}

/** All that is known of a file before its first tensor is read. `general.alignment`, if given, is obeyed. */
export interface GgufPlan {
  /** In the order in which they are written. */
  readonly metadata: ReadonlyMap<string, WritableValue>;
  readonly tensors: readonly PlannedTensor[];
}

export interface FileLayout {
  /** Everything before the data, with its padding. */
  readonly header: Uint8Array;
  readonly tensors: readonly { readonly name: string; readonly byteLength: number; readonly paddingBytes: number }[];
  readonly byteLength: number;
}

const VERSION = 3;

/** Exact size of the file in bytes. @throws RangeError for a plan whose file `openGguf` would refuse */
export function ggufFileBytes(plan: GgufPlan): number {
  return layOut(plan).byteLength;
}

/** @throws RangeError for a plan whose file `openGguf` would refuse */
export function layOut(plan: GgufPlan): FileLayout {
  assertAtMost("metadata", plan.metadata.size, MAX_METADATA);
  assertAtMost("tensors", plan.tensors.length, MAX_TENSORS);
  const alignment = plannedAlignment(plan);
  const out = new ByteBuilder();
  out.u32(GGUF_MAGIC);
  out.u32(VERSION);
  out.u64(plan.tensors.length);
  out.u64(plan.metadata.size);
  for (const [key, value] of plan.metadata) writePair(out, key, value);

  const names = new Set<string>();
  const tensors: { name: string; byteLength: number; paddingBytes: number }[] = [];
  let dataBytes = 0;
  for (const tensor of plan.tensors) {
    if (names.has(tensor.name)) throw new RangeError(`"tensors" expected every name once, got ${tensor.name} twice`);
    names.add(tensor.name);
    const byteLength = writeEntry(out, tensor, dataBytes);
    const end = alignUp(dataBytes + byteLength, alignment);
    if (!Number.isSafeInteger(end)) throw new RangeError(`"tensors" expected less than 2^53 bytes in all`);
    tensors.push({ name: tensor.name, byteLength, paddingBytes: end - dataBytes - byteLength });
    dataBytes = end;
  }
  // readers take a file without tensors with and without this padding; llama.cpp writes it
  const header = out.bytes();
  out.raw(new Uint8Array(alignUp(header.length, alignment) - header.length));
  return { header: out.bytes(), tensors, byteLength: out.bytes().length + dataBytes };
}

/** Returns the size of the tensor's data in bytes. */
function writeEntry(out: ByteBuilder, { name, type: typeName, shape }: PlannedTensor, offset: number): number {
  assertName("name", name, MAX_NAME_BYTES);
  assertAtMost("shape", shape.length, MAX_DIMS);
  const type = tensorType(typeName);
  const byteLength = tensorBytes(type, shape);
  out.text(name);
  out.u32(shape.length);
  for (const size of shape.toReversed()) out.u64(size);
  out.u32(type.id);
  out.u64(offset);
  return byteLength;
}

function plannedAlignment({ metadata }: GgufPlan): number {
  const value = metadata.get(ALIGNMENT_KEY);
  if (value === undefined) return DEFAULT_ALIGNMENT;
  const alignment = value.type === "u32" ? value.value : 0;
  if (Number.isInteger(Math.log2(alignment)) && alignment <= MAX_ALIGNMENT) return alignment;
  throw new RangeError(`"${ALIGNMENT_KEY}" expected a u32 that is a power of two up to ${MAX_ALIGNMENT}`);
}

function assertAtMost(what: string, got: number, limit: number): void {
  if (got > limit) throw new RangeError(`"${what}" expected at most ${limit}, got ${got}`);
}
