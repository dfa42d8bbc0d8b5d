// Keys and values of the positions seen so far, in binary16 or binary32, and the sums that attention takes over them.

import { f16Values, f32ToF16 } from "@ll/bytes";
import { allocate } from "../allocate.ts";
import type { Arithmetic } from "../arithmetic/arithmetic.ts";
import { type KvType, kvElementBytes } from "../kv-type.ts";

export interface KvCache {
  readonly kvType: KvType;
  /** Stores the (already rotated) key and the value of one position, rounded to the cache's precision. */
  store(layer: number, position: number, key: Float32Array, value: Float32Array): void; // (kvDim), (kvDim)
  /** Rounds what is about to be multiplied with cached numbers to their precision, the first `n` in place. */
  round(x: Float32Array, n: number): void; // (at least n)
  /** Σ over i < x.length of key[layer][position][channel + i] · x[i], as the arithmetic sums. */
  keyDot(layer: number, position: number, channel: number, x: Float32Array): number;
  /** Σ over t < n of value[layer][channel][t] · p[t], as the arithmetic sums. */
  valueDot(layer: number, channel: number, p: Float32Array, n: number): number; // p: (at least n)
  /** Keys (layer, position, channel), then values (layer, channel, position), of the first `nTokens` positions. */
  read(nTokens: number): Uint8Array;
  /** The inverse of `read`. @throws RangeError unless `bytes` has exactly the size that `read(nTokens)` gives. */
  write(bytes: Uint8Array, nTokens: number): void;
}

/** Numbers as a cache stores them: bit patterns of binary16, or binary32. */
type KvElements = Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** How one precision is stored and multiplied. */
interface KvPrecision<E extends KvElements> {
  readonly Elements: new (length: number) => E;
  encode(x: number): number;
  round(x: Float32Array, n: number): void;
  dot(elements: E, start: number, x: Float32Array, n: number): number;
}

/**
 * @param kvDims channels of a position's key, and of its value, in each layer
 * @throws IoError `E_NOMEM` if the memory cannot be had.
 */
export function createKvCache(
  kvDims: readonly number[],
  contextTokens: number,
  kvType: KvType,
  arithmetic: Arithmetic,
): KvCache {
  return kvType === "f16"
    ? cacheOf("f16", f16Precision(arithmetic), kvDims, contextTokens)
    : cacheOf("f32", f32Precision(arithmetic), kvDims, contextTokens);
}

function f16Precision({ dotF16 }: Arithmetic): KvPrecision<Uint16Array<ArrayBuffer>> {
  const values = f16Values();
  return {
    Elements: Uint16Array,
    encode: f32ToF16,
    round(x, n) {
      for (let i = 0; i < n; i++) x[i] = values[f32ToF16(x[i]!)]!;
    },
    dot: dotF16,
  };
}

function f32Precision({ dotF32 }: Arithmetic): KvPrecision<Float32Array<ArrayBuffer>> {
  return { Elements: Float32Array, encode: (x) => x, round() {}, dot: dotF32 };
}

function cacheOf<E extends KvElements>(
  kvType: KvType,
  precision: KvPrecision<E>,
  kvDims: readonly number[],
  contextTokens: number,
): KvCache {
  const layers = kvDims.map((kvDim) => {
    const length = contextTokens * kvDim;
    const purpose = `a cache of ${length} keys and as many values a layer: choose a smaller context`;
    const keys = allocate(precision.Elements, length, purpose); // (contextTokens, kvDim)
    const values = allocate(precision.Elements, length, purpose); // (kvDim, contextTokens)
    return { kvDim, keys, values };
  });

  /** The runs of consecutive elements that hold the first `nTokens` positions, in the order of a session file. */
  function* runs(nTokens: number): Generator<E> {
    for (const { keys, kvDim } of layers) yield keys.subarray(0, nTokens * kvDim) as E;
    for (const { values, kvDim } of layers) {
      for (let channel = 0; channel < kvDim; channel++) {
        const start = channel * contextTokens;
        yield values.subarray(start, start + nTokens) as E;
      }
    }
  }
  const totalDim = kvDims.reduce((sum, kvDim) => sum + kvDim, 0);
  const bytesOf = (nTokens: number): number => 2 * totalDim * nTokens * kvElementBytes(kvType);

  return {
    kvType,
    store(layer, position, key, value) {
      const { keys, values, kvDim } = layers[layer]!;
      for (let i = 0; i < kvDim; i++) {
        keys[position * kvDim + i] = precision.encode(key[i]!);
        values[i * contextTokens + position] = precision.encode(value[i]!);
      }
    },
    round: precision.round,
    keyDot(layer, position, channel, x) {
      const { keys, kvDim } = layers[layer]!;
      return precision.dot(keys, position * kvDim + channel, x, x.length);
    },
    valueDot(layer, channel, p, n) {
      return precision.dot(layers[layer]!.values, channel * contextTokens, p, n);
    },
    read(nTokens) {
      const bytes = new Uint8Array(bytesOf(nTokens));
      let offset = 0;
      for (const run of runs(nTokens)) {
        bytes.set(new Uint8Array(run.buffer, run.byteOffset, run.byteLength), offset);
        offset += run.byteLength;
      }
      return bytes;
    },
    write(bytes, nTokens) {
      if (bytes.byteLength !== bytesOf(nTokens)) {
        throw new RangeError(
          `"bytes" expected ${bytesOf(nTokens)} bytes for ${nTokens} tokens, got ${bytes.byteLength}`,
        );
      }
      let offset = 0;
      for (const run of runs(nTokens)) {
        new Uint8Array(run.buffer, run.byteOffset, run.byteLength).set(bytes.subarray(offset, offset + run.byteLength));
        offset += run.byteLength;
      }
    },
  };
}
