// Keys and values of the positions seen so far, in binary16 or binary32.

import { allocate, f16Values, f32ToF16 } from "@ll/bytes";
import type { CachedHead } from "../arithmetic/arithmetic.ts";
import { type KvType, kvElementBytes } from "../kv-type.ts";

export interface KvCache {
  readonly kvType: KvType;
  /** Stores the (already rotated) key and the value of one position, rounded to the cache's precision. */
  store(layer: number, position: number, key: Float32Array, value: Float32Array): void; // (kvDim), (kvDim)
  /** The head whose key and value begin at `channel`. */
  head(layer: number, channel: number): CachedHead;
  /** Keys (layer, position, channel), then values (layer, channel, position), of the first `nTokens` positions. */
  read(nTokens: number): Uint8Array;
  /** The inverse of `read`. @throws RangeError unless `bytes` has exactly the size that `read(nTokens)` gives. */
  write(bytes: Uint8Array, nTokens: number): void;
}

/** Numbers as a cache stores them: bit patterns of binary16, or binary32. */
type KvElements = Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** How one precision is stored. */
interface KvPrecision<E extends KvElements> {
  readonly Elements: new (length: number) => E;
  encode(x: number): number;
  decode(element: number): number;
}

/**
 * @param kvDims channels of a position's key, and of its value, in each layer
 * @throws IoError `E_NOMEM` if the memory cannot be had.
 */
export function createKvCache(kvDims: readonly number[], contextTokens: number, kvType: KvType): KvCache {
  if (kvType === "f32") {
    const same = (x: number): number => x;
    return cacheOf("f32", { Elements: Float32Array, encode: same, decode: same }, kvDims, contextTokens);
  }
  const values = f16Values();
  return cacheOf(
    "f16",
    { Elements: Uint16Array, encode: f32ToF16, decode: (bits) => values[bits]! },
    kvDims,
    contextTokens,
  );
}

function cacheOf<E extends KvElements>(
  kvType: KvType,
  { Elements, encode, decode }: KvPrecision<E>,
  kvDims: readonly number[],
  contextTokens: number,
): KvCache {
  const layers = kvDims.map((kvDim) => {
    const length = contextTokens * kvDim;
    const purpose = `a cache of ${length} keys and as many values a layer: choose a smaller context`;
    const keys = allocate(purpose, () => new Elements(length)); // (contextTokens, kvDim)
    const values = allocate(purpose, () => new Elements(length)); // (kvDim, contextTokens)
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
        keys[position * kvDim + i] = encode(key[i]!);
        values[i * contextTokens + position] = encode(value[i]!);
      }
    },
    head(layer, channel) {
      const { keys, values, kvDim } = layers[layer]!;
      return {
        readKey(position, into) {
          const start = position * kvDim + channel;
          for (let i = 0; i < into.length; i++) into[i] = decode(keys[start + i]!);
        },
        readValues(i, first, into) {
          const start = (channel + i) * contextTokens + first;
          for (let t = 0; t < into.length; t++) into[t] = decode(values[start + t]!);
        },
        round(x) {
          for (let i = 0; i < x.length; i++) x[i] = decode(encode(x[i]!));
        },
      };
    },
    read(nTokens) {
      const bytes = allocate("the session", () => new Uint8Array(bytesOf(nTokens)));
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
