// Small models for the tests, and sources and sinks that count.

import { createHash } from "node:crypto";
import { type ByteSource, memorySink, memorySource } from "@ll/bytes";
import type { SourceTensor } from "@ll/checkpoint";
import {
  createGgmlWriter,
  type GgmlFile,
  type GgmlPlan,
  openGgml,
  tensorBytes,
  tensorType,
  type VocabEntry,
} from "@ll/ggml-format";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function vocabulary(n: number): VocabEntry[] {
  return Array.from({ length: n }, (_, id) => ({ text: new TextEncoder().encode(`t${id}`), score: -id }));
}

/** A tensor whose bytes are held; little-endian, as in files. */
export function heldTensor(name: string, type: string, shape: number[], bytes: Uint8Array): SourceTensor {
  const source = memorySource(bytes, name);
  return { name, type, shape, byteLength: bytes.byteLength, read: (offset, target) => source.read(offset, target) };
}

export function f32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Values between -0.5 and 0.5, the same on every run. */
export function noise(n: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

export interface PlannedTensor {
  readonly name: string;
  readonly shape: number[];
  readonly type?: string;
}

/** A ggjt v3 file with these tensors, f32 noise unless another type is given (then zeros), opened. */
export async function ggjtFile(tensors: readonly PlannedTensor[], ftype = 0): Promise<GgmlFile> {
  return openGgml(memorySource(await ggjtBytes(tensors, ftype), "model.bin"));
}

export async function ggjtBytes(tensors: readonly PlannedTensor[], ftype = 0): Promise<Uint8Array> {
  const vocab = vocabulary(4);
  const plan: GgmlPlan = {
    version: 3,
    hyperParams: { nVocab: 4, nEmbd: 32, nMult: 32, nHead: 1, nLayer: 1, nRot: 32, ftype },
    vocab,
    tensors: tensors.map(({ name, shape, type = "f32" }) => ({ name, shape, type })),
  };
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, plan);
  for (const { name, shape, type } of plan.tensors) {
    const byteLength = tensorBytes(tensorType(type), shape);
    await writer.writeTensor(name, [
      type === "f32" ? new Uint8Array(noise(byteLength / 4).buffer) : new Uint8Array(byteLength),
    ]);
  }
  await writer.finish();
  return sink.bytes();
}

/** A source that remembers the largest read and how many there were. */
export function watched(source: ByteSource): ByteSource & { readonly largestRead: number; readonly nReads: number } {
  let largestRead = 0;
  let nReads = 0;
  return {
    name: source.name,
    byteLength: source.byteLength,
    async read(offset, target) {
      largestRead = Math.max(largestRead, target.byteLength);
      nReads++;
      await source.read(offset, target);
    },
    get largestRead() {
      return largestRead;
    },
    get nReads() {
      return nReads;
    },
  };
}
