// Keys and values of the positions seen so far, in binary16 or binary32, and the sums that attention takes over them.

import { f16Values, f32ToF16 } from "@ll/bytes";
import { allocate } from "./allocate.ts";
import { derivedSizes, type ModelConfig } from "./config.ts";

export type KvType = "f16" | "f32";

export interface KvCache {
  readonly kvType: KvType;
  /** Stores the (already rotated) key and the value of one position, rounded to the cache's precision. */
  store(layer: number, position: number, key: Float32Array, value: Float32Array): void; // (kvDim), (kvDim)
  /** Rounds what is about to be multiplied with cached numbers to their precision, the first `n` in place. */
  round(x: Float32Array, n: number): void; // (at least n)
  /** Σ over i < x.length of key[layer][position][channel + i] · x[i], summed in double in this order, rounded to f32. */
  keyDot(layer: number, position: number, channel: number, x: Float32Array): number;
  /** Σ over t < n of value[layer][channel][t] · p[t], summed in double in this order, rounded to f32. */
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

const ELEMENT_BYTES: Record<KvType, number> = { f16: 2, f32: 4 };

/** Bytes of a cache for `contextTokens` positions. */
export function kvCacheBytes(config: ModelConfig, contextTokens: number, kvType: KvType): number {
  return 2 * config.nLayers * contextTokens * derivedSizes(config).kvDim * ELEMENT_BYTES[kvType];
}

/** @throws IoError `E_NOMEM` if the memory cannot be had. */
export function createKvCache(config: ModelConfig, contextTokens: number, kvType: KvType): KvCache {
  const { kvDim } = derivedSizes(config);
  return kvType === "f16"
    ? cacheOf("f16", f16Precision(), config.nLayers, contextTokens, kvDim)
    : cacheOf("f32", f32Precision, config.nLayers, contextTokens, kvDim);
}

function f16Precision(): KvPrecision<Uint16Array<ArrayBuffer>> {
  const values = f16Values();
  return {
    Elements: Uint16Array,
    encode: f32ToF16,
    round(x, n) {
      for (let i = 0; i < n; i++) x[i] = values[f32ToF16(x[i]!)]!;
    },
    dot(elements, start, x, n) {
      let sum = 0;
      // the product of two binary16 numbers is exact in f32, so only the additions round
      for (let i = 0; i < n; i++) sum += values[elements[start + i]!]! * x[i]!;
      return Math.fround(sum);
    },
  };
}

const f32Precision: KvPrecision<Float32Array<ArrayBuffer>> = {
  Elements: Float32Array,
  encode: (x) => x,
  round() {},
  dot(elements, start, x, n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.fround(elements[start + i]! * x[i]!);
    return Math.fround(sum);
  },
};

function cacheOf<E extends KvElements>(
  kvType: KvType,
  precision: KvPrecision<E>,
  nLayers: number,
  contextTokens: number,
  kvDim: number,
): KvCache {
  const length = nLayers * contextTokens * kvDim;
  const purpose = `a cache of ${length} keys and as many values: choose a smaller context`;
  const keys = allocate(precision.Elements, length, purpose); // (nLayers, contextTokens, kvDim)
  const values = allocate(precision.Elements, length, purpose); // (nLayers, kvDim, contextTokens)

  /** The runs of consecutive elements that hold the first `nTokens` positions, in the order of a session file. */
  function* runs(nTokens: number): Generator<E> {
    for (let layer = 0; layer < nLayers; layer++) {
      const start = layer * contextTokens * kvDim;
      yield keys.subarray(start, start + nTokens * kvDim) as E;
    }
    for (let channel = 0; channel < nLayers * kvDim; channel++) {
      const start = channel * contextTokens;
      yield values.subarray(start, start + nTokens) as E;
    }
  }
  const bytesOf = (nTokens: number): number => 2 * nLayers * kvDim * nTokens * ELEMENT_BYTES[kvType];

  return {
    kvType,
    store(layer, position, key, value) {
      const keyStart = (layer * contextTokens + position) * kvDim;
      for (let i = 0; i < kvDim; i++) keys[keyStart + i] = precision.encode(key[i]!);
      const valueStart = layer * kvDim * contextTokens + position;
      for (let i = 0; i < kvDim; i++) values[valueStart + i * contextTokens] = precision.encode(value[i]!);
    },
    round: precision.round,
    keyDot(layer, position, channel, x) {
      return precision.dot(keys, (layer * contextTokens + position) * kvDim + channel, x, x.length);
    },
    valueDot(layer, channel, p, n) {
      return precision.dot(values, (layer * kvDim + channel) * contextTokens, p, n);
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
