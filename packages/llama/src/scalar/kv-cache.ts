// Keys and values of the positions seen so far, in binary16, binary32, or blocks of whole numbers.

import { allocate, f16ToF32, f16Values, f32ToF16 } from "@ll/bytes";
import type { CachedHead } from "../arithmetic/arithmetic.ts";
import { type Levels, toLevels } from "../arithmetic/levels.ts";
import { BLOCK_CHANNELS, type KvType, type KvTypes, keysAndValues, kvRowBytes } from "../kv-type.ts";

export interface KvCache {
  readonly kvType: KvTypes;
  /** Stores the (already rotated) key and the value of one position, rounded to the cache's precision. */
  store(layer: number, position: number, key: Float32Array, value: Float32Array): void; // (kvDim), (kvDim)
  /** The `head`-th head of a layer. */
  head(layer: number, head: number): CachedHead;
  /**
   * Keys (position, head), then values (head), of the first `nTokens` positions of a layer. A head's key is a row of `kvRowBytes`; its
   * values are (channel, position), or such rows, one for each position, in q8_0.
   */
  read(layer: number, nTokens: number): Uint8Array;
  /** The inverse of `read`. */
  write(layer: number, nTokens: number, bytes: Uint8Array): void;
}

/** Heads of a layer. */
export interface KvHeads {
  readonly nHeads: number;
  readonly headDim: number;
}

/** The keys or the values of one head. */
interface HeadRows {
  /** Puts a number for each channel at `position`. */
  store(position: number, row: Float32Array): void;
  /** Of f16 and f32: channel `i` at `position`. */
  readonly value?: (position: number, i: number) => number;
  /** Of q8_0: the blocks at `position`. */
  readonly levels?: (position: number) => Levels[];
  /** The first `nTokens` positions, as `KvCache.read` orders them: views, one after the other. */
  runs(nTokens: number): Uint8Array[];
  /** Of q8_0, to be called when these were written to: scales that are no finite positive number become one. */
  readonly check?: (nTokens: number) => void;
}

/** @throws IoError `E_NOMEM` if the memory cannot be had. */
export function createKvCache(layers: readonly KvHeads[], contextTokens: number, kvType: KvTypes): KvCache {
  const { k, v } = keysAndValues(kvType);
  const caches = layers.map(({ nHeads, headDim }) => {
    const heads = Array.from({ length: nHeads }, () => ({
      keys: headRows(k, headDim, contextTokens, false),
      values: headRows(v, headDim, contextTokens, true),
    }));
    return { heads, headDim };
  });

  /** Views of the first `nTokens` positions of a layer, in the order of `read`. */
  function runs(layer: number, nTokens: number): Uint8Array[] {
    const { heads } = caches[layer]!;
    const keys = heads.map((head) => head.keys.runs(nTokens));
    const byPosition = Array.from({ length: nTokens }, (_, t) => keys.map((ofHead) => ofHead[t]!)).flat();
    return [...byPosition, ...heads.flatMap(({ values }) => values.runs(nTokens))];
  }

  return {
    kvType,
    store(layer, position, key, value) {
      const { heads, headDim } = caches[layer]!;
      for (const [head, { keys, values }] of heads.entries()) {
        keys.store(position, key.subarray(head * headDim, (head + 1) * headDim));
        values.store(position, value.subarray(head * headDim, (head + 1) * headDim));
      }
    },
    head(layer, head) {
      const { keys, values } = caches[layer]!.heads[head]!;
      return {
        readKey(position, into) {
          for (let i = 0; i < into.length; i++) into[i] = keys.value!(position, i);
        },
        readValues(i, first, into) {
          for (let t = 0; t < into.length; t++) into[t] = values.value!(first + t, i);
        },
        round(x) {
          if (k === "f16") for (let i = 0; i < x.length; i++) x[i] = f16ToF32(f32ToF16(x[i]!));
        },
        keyLevels: keys.levels,
        valueLevels: values.levels,
      };
    },
    read(layer, nTokens) {
      const views = runs(layer, nTokens);
      const length = views.reduce((sum, view) => sum + view.length, 0);
      const bytes = allocate("keys and values", () => new Uint8Array(length));
      let offset = 0;
      for (const view of views) {
        bytes.set(view, offset);
        offset += view.length;
      }
      return bytes;
    },
    write(layer, nTokens, bytes) {
      let offset = 0;
      for (const view of runs(layer, nTokens)) {
        view.set(bytes.subarray(offset, offset + view.length));
        offset += view.length;
      }
      for (const { keys, values } of caches[layer]!.heads) {
        keys.check?.(nTokens);
        values.check?.(nTokens);
      }
    },
  };
}

/** Room for `contextTokens` positions; with `byChannel` those of a channel are together. */
function headRows(type: KvType, headDim: number, contextTokens: number, byChannel: boolean): HeadRows {
  const rowBytes = kvRowBytes(type, headDim);
  const purpose = `a cache of ${contextTokens} positions: choose a smaller context`;
  const bytes = allocate(purpose, () => new Uint8Array(contextTokens * rowBytes));
  const rowsOf = (nTokens: number): Uint8Array[] =>
    Array.from({ length: nTokens }, (_, t) => bytes.subarray(t * rowBytes, (t + 1) * rowBytes));
  if (type === "q8_0") {
    const view = new DataView(bytes.buffer);
    const blockStarts = Array.from({ length: Math.ceil(headDim / BLOCK_CHANNELS) }, (_, b) => b * (BLOCK_CHANNELS + 2));
    return {
      store(position, row) {
        for (const [b, { scale, levels }] of toLevels(row).entries()) {
          const at = position * rowBytes + blockStarts[b]!;
          view.setUint16(at, f32ToF16(scale), true);
          bytes.set(new Uint8Array(levels.buffer), at + 2);
        }
      },
      levels: (position) =>
        blockStarts.map((start) => {
          const at = position * rowBytes + start;
          const n = Math.min(BLOCK_CHANNELS, rowBytes - start - 2);
          return { scale: f16ToF32(view.getUint16(at, true)), levels: new Int8Array(bytes.buffer, at + 2, n) };
        }),
      runs: rowsOf,
      check(nTokens) {
        for (let t = 0; t < nTokens; t++) {
          for (const start of blockStarts) {
            const at = t * rowBytes + start;
            view.setUint16(at, Math.min(view.getUint16(at, true) & 0x7fff, 0x7bff), true);
          }
        }
      },
    };
  }
  const halves = f16Values();
  const elements = type === "f16" ? new Uint16Array(bytes.buffer) : new Float32Array(bytes.buffer);
  const placeOf = (position: number, i: number): number =>
    byChannel ? i * contextTokens + position : position * headDim + i;
  const elementBytes = rowBytes / headDim;
  return {
    store(position, row) {
      for (const [i, x] of row.entries()) elements[placeOf(position, i)] = type === "f16" ? f32ToF16(x) : x;
    },
    value(position, i) {
      const element = elements[placeOf(position, i)]!;
      return type === "f16" ? halves[element]! : element;
    },
    runs: (nTokens) =>
      byChannel
        ? Array.from({ length: headDim }, (_, i) => {
            const start = i * contextTokens * elementBytes;
            return bytes.subarray(start, start + nTokens * elementBytes);
          })
        : rowsOf(nTokens),
  };
}
