// A number by which one model's weights are told from another's, so that a session is not continued by a model that did not begin it.
// It covers name, type and size of every tensor, and some of its bytes: weights that differ nowhere else have the same number.

import { factorsOf, type Graph } from "@ll/architectures";
import type { SourceTensor, TensorSource } from "@ll/bytes";
import { assertTensorSource } from "./errors.ts";

/** Bytes taken at each place. */
const SAMPLE_BYTES = 64;

/** Tensors whose samples are read at the same time: for sources of which each read is a request to a server. */
const BATCH_TENSORS = 16;

const OFFSET_BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** FNV-1a (Fowler, Noll, Vo) of 64 bits: enough to notice another model, no protection from whoever makes one on purpose. */
export class Fnv1a {
  #hash: bigint = OFFSET_BASIS;

  bytes(bytes: Uint8Array): this {
    let hash = this.#hash;
    for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * PRIME) & 0xffffffffffffffffn;
    this.#hash = hash;
    return this;
  }

  /** With an end, so that two texts in a row are not as good as two others. */
  text(text: string): this {
    return this.bytes(new TextEncoder().encode(`${text}\0`));
  }

  /** Never 0, which means that there is none. */
  get value(): bigint {
    return this.#hash === 0n ? 1n : this.#hash;
  }
}

/**
 * The `fingerprint` of a model with these tensors, without loading it: name, type and size of every tensor, in the order of
 * their names, and some 200 bytes of each, which it reads.
 * @throws TypeError for what is no opened file; what the source's `read` throws
 */
export async function fingerprintOf(source: TensorSource): Promise<bigint> {
  assertTensorSource(source);
  const tensors = Array.from(source.names())
    .sort()
    .map((name) => source.tensor(name) as SourceTensor);
  const hash = new Fnv1a();
  for (let first = 0; first < tensors.length; first += BATCH_TENSORS) {
    const batch = tensors.slice(first, first + BATCH_TENSORS);
    const samples = await Promise.all(batch.map(sampleOf));
    for (const [i, { name, type, shape }] of batch.entries()) {
      hash.text(name).text(type).text(shape.join("x"));
      for (const sample of samples[i] as Uint8Array[]) hash.bytes(sample);
    }
  }
  return hash.value;
}

/** Of a context: that of its model, unless its size makes its keys others than those of a small context. */
export function contextFingerprint(model: bigint, { ops }: Graph, contextTokens: number): bigint {
  const hasLong = ops.some((op) => {
    return op.kind === "angles" && op.longFactors !== undefined && factorsOf(op, contextTokens) !== op.factors;
  });
  return hasLong ? new Fnv1a().text(model.toString(16)).text("long factors").value : model;
}

/** Bytes at the start, in the middle and at the end; all of a small tensor. */
function sampleOf(tensor: SourceTensor): Promise<Uint8Array[]> {
  const { byteLength } = tensor;
  const last = Math.max(0, byteLength - SAMPLE_BYTES);
  const offsets = byteLength <= 3 * SAMPLE_BYTES ? [0] : [0, Math.floor(last / 2), last];
  const length = offsets.length === 1 ? byteLength : SAMPLE_BYTES;
  return Promise.all(
    offsets.map(async (offset) => {
      const sample = new Uint8Array(length);
      await tensor.read(offset, sample);
      return sample;
    }),
  );
}
