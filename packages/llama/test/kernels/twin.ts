// `LlamaKernels` out of the functions of the scalar engine, as the kernels' twin. Keys and values are in its own caches, outside
// of the memory; a head's address is only their name.

import type { Arithmetic } from "../../src/arithmetic/arithmetic.ts";
import { capped } from "../../src/arithmetic/lanes.ts";
import type { AttentionKernels, AttentionShape, LlamaKernels } from "../../src/kernels/kernels.ts";
import { keysAndValues, kvRowBytes } from "../../src/kv-type.ts";
import { attendTo } from "../../src/ops/attend.ts";
import { slicePieces } from "../../src/ops/columns.ts";
import { convolveRows } from "../../src/ops/convolve.ts";
import { applyDeltaNet } from "../../src/ops/delta-net.ts";
import { addInto, scaleBy } from "../../src/ops/element-wise.ts";
import { mixRows } from "../../src/ops/experts.ts";
import { toUnit } from "../../src/ops/norm.ts";
import { rotate } from "../../src/ops/rope.ts";
import { createKvCache, type KvCache } from "../../src/scalar/kv-cache.ts";

export function twinKernels(memory: WebAssembly.Memory, arithmetic: Arithmetic): LlamaKernels {
  const floats = (pointer: number, n: number): Float32Array => new Float32Array(memory.buffer, pointer, n);
  return {
    memory,
    rmsNorm(out, x, weight, nRows, nValues, eps) {
      for (let row = 0; row < nRows; row++) {
        const at = 4 * row * nValues;
        arithmetic.rmsNorm(floats(out + at, nValues), floats(x + at, nValues), floats(weight, nValues), eps);
      }
    },
    rope(pairing, x, angles, nRows, nHeads, headDim, nRot, rowStride) {
      for (let row = 0; row < nRows; row++) {
        const heads = floats(x + 4 * row * rowStride, nHeads * headDim);
        rotate(heads, floats(angles + 4 * row * nRot, nRot), headDim, pairing);
      }
    },
    gate: (activation, gate, up, n) => arithmetic.gate(activation, floats(gate, n), floats(up, n), n),
    scale: (x, n, factor) => scaleBy(floats(x, n), factor),
    cap(x, n, softCap) {
      const values = floats(x, n);
      for (let i = 0; i < n; i++) values[i] = capped(values[i]!, softCap);
    },
    mix(out, rows, weights, n, nUsed, width, stride) {
      for (let i = 0; i < n; i++) {
        const token = floats(rows + 4 * i * nUsed * width, nUsed * width);
        mixRows(floats(out + 4 * i * width, width), token, floats(weights + 4 * i * stride, nUsed));
      }
    },
    addInto: (x, y, n) => addInto(floats(x, n), floats(y, n), n),
    slice: (out, x, nGroups, group, first, size) =>
      slicePieces(floats(out, nGroups * size), floats(x, nGroups * group), group, first, size),
    l2Norm(x, nRows, n, eps) {
      for (let row = 0; row < nRows; row++) toUnit(floats(x + 4 * row * n, n), eps);
    },
    deltaNet(out, q, k, v, decays, rates, before, after, n, nHeads, headDim, scale) {
      const [size, nState] = [n * nHeads * headDim, nHeads * headDim * headDim];
      const gates = { decays: floats(decays, n * nHeads), rates: floats(rates, n * nHeads) };
      const rows = { q: floats(q, size), k: floats(k, size), v: floats(v, size), ...gates };
      const state = { before: floats(before, nState), after: floats(after, nState) };
      applyDeltaNet(floats(out, size), rows, state, nHeads, headDim, scale);
    },
    convolve(out, x, weight, before, after, n, width, nTaps, silu) {
      const nState = (nTaps - 1) * width;
      const state = { before: floats(before, nState), after: floats(after, nState) };
      convolveRows(floats(out, n * width), floats(x, n * width), floats(weight, width * nTaps), state, nTaps, silu);
    },
    attention: (shape) => twinAttention(memory, arithmetic, shape),
  };
}

function twinAttention(memory: WebAssembly.Memory, arithmetic: Arithmetic, shape: AttentionShape): AttentionKernels {
  const { kvType, headDim, headsPerKvHead, contextTokens } = shape;
  const { k, v } = keysAndValues(kvType);
  const [keyBytes, valueBytes] = [kvRowBytes(k, headDim), kvRowBytes(v, headDim)];
  const caches = new Map<number, KvCache>();
  const cacheAt = (head: number): KvCache => caches.get(head)!;
  const floats = (pointer: number, n: number): Float32Array => new Float32Array(memory.buffer, pointer, n);
  const bytes = (pointer: number, n: number): Uint8Array => new Uint8Array(memory.buffer, pointer, n);

  /** Copies `length` bytes of what `read(n)` gives, from `offset` on, to `at`, or back. */
  const copy = (head: number, n: number, offset: number, at: number, length: number, isWrite: boolean): void => {
    const all = cacheAt(head).read(0, n); // keys, then values
    if (!isWrite) {
      bytes(at, length).set(all.subarray(offset, offset + length));
      return;
    }
    all.set(bytes(at, length), offset);
    cacheAt(head).write(0, n, all);
  };
  return {
    shape,
    headBytes: 64,
    keyBytes,
    valueBytes,
    workBytes: () => 64,
    clear(head) {
      caches.set(head, createKvCache([{ nHeads: 1, headDim }], contextTokens, kvType));
    },
    store(head, keys, values, nPast, n, rowStride) {
      for (let i = 0; i < n; i++) {
        const at = 4 * i * rowStride;
        cacheAt(head).store(0, nPast + i, floats(keys + at, headDim), floats(values + at, headDim));
      }
    },
    attend(head, q, out, _work, nPast, n, qStride, outStride, { sinks, ...scores }) {
      const rowValues = headsPerKvHead * headDim;
      for (let i = 0; i < n; i++) {
        const queries = floats(q + 4 * i * qStride, rowValues).slice(); // (headsPerKvHead, headDim)
        const row = floats(out + 4 * i * outStride, rowValues);
        const rule = {
          headDim,
          headsPerKvHead,
          ...scores,
          sinks: sinks === undefined ? undefined : floats(sinks, headsPerKvHead),
        };
        attendTo(row, { queries, first: 0, step: 1 }, cacheAt(head), 0, nPast + i, rule, { arithmetic });
      }
    },
    readKeys: (head, out, n) => copy(head, n, 0, out, n * keyBytes, false),
    writeKeys: (head, src, n) => copy(head, n, 0, src, n * keyBytes, true),
    readValues: (head, out, n) => copy(head, n, n * keyBytes, out, n * valueBytes, false),
    writeValues: (head, src, n) => copy(head, n, n * keyBytes, src, n * valueBytes, true),
  };
}
