// `LayerOps` in TypeScript: the functions of the scalar engine on a shard's memory. Caches are outside of it.

import type { WasmMemory } from "@ll/quant";
import { attend } from "../attention.ts";
import { derivedSizes, type ModelConfig } from "../config.ts";
import { createKvCache } from "../kv-cache.ts";
import { addInto, rmsNorm, swiglu } from "../ops.ts";
import { rope, ropeAngles, ropeThetaStep } from "../rope.ts";
import type { LayerOps } from "./layer-ops.ts";
import type { ShardShare } from "./planner.ts";
import { sizeOf } from "./ranges.ts";

export function scalarOps(config: ModelConfig, share: ShardShare, memory: WasmMemory, sliceTokens: number): LayerOps {
  const { nEmbd, rmsNormEps, ropeFreqScale } = config;
  const { headDim } = derivedSizes(config);
  const nHeads = sizeOf(share.heads);
  const nKvHeads = sizeOf(share.kvHeads);
  const thetaStep = ropeThetaStep(config);
  const nPairs = headDim / 2;
  const cos = new Float32Array(sliceTokens * nPairs); // (sliceTokens, nPairs)
  const sin = new Float32Array(sliceTokens * nPairs); // (sliceTokens, nPairs)
  const floats = (pointer: number, length: number): Float32Array => new Float32Array(memory.buffer, pointer, length);
  const angles = (table: Float32Array, i: number): Float32Array => table.subarray(i * nPairs, (i + 1) * nPairs);

  return {
    rmsNorm(x, weight, n) {
      for (let i = 0; i < n; i++) {
        const row = floats(x + 4 * i * nEmbd, nEmbd);
        rmsNorm(row, row, floats(weight, nEmbd), rmsNormEps);
      }
    },
    setPositions(first, n) {
      for (let i = 0; i < n; i++) ropeAngles(angles(cos, i), angles(sin, i), first + i, ropeFreqScale, thetaStep);
    },
    rope(x, n, heads) {
      const rowBytes = 4 * heads * headDim;
      for (let i = 0; i < n; i++) rope(floats(x + i * rowBytes, heads * headDim), angles(cos, i), angles(sin, i));
    },
    swiglu(gate, up, length) {
      swiglu(floats(gate, length), floats(up, length), length);
    },
    add(x, y, length) {
      addInto(floats(x, length), floats(y, length), length);
    },
    createCache(contextTokens, kvType) {
      const own: ModelConfig = { ...config, nHeads, nKvHeads, nEmbd: nHeads * headDim, nLayers: 1 };
      const kvDim = nKvHeads * headDim;
      let caches = Array.from({ length: config.nLayers }, () => createKvCache(own, contextTokens, kvType));
      const scores = new Float32Array(contextTokens); // (contextTokens)
      return {
        store(layer, position, k, v, n) {
          for (let i = 0; i < n; i++) {
            const offset = 4 * i * kvDim;
            caches[layer]!.store(0, position + i, floats(k + offset, kvDim), floats(v + offset, kvDim));
          }
        },
        *attend(out, q, layer, position, n) {
          const queries = floats(q, n * own.nEmbd); // (n · own heads, headDim)
          const cache = caches[layer]!;
          cache.round(queries, queries.length);
          for (let i = 0; i < n; i++) {
            const rows = { queries, first: i * nHeads, step: 1 };
            attend(floats(out + 4 * i * own.nEmbd, own.nEmbd), rows, cache, 0, position + i, own, scores);
            yield "piece";
          }
        },
        read: (layer, nTokens) => caches[layer]!.read(nTokens) as Uint8Array<ArrayBuffer>,
        write: (layer, nTokens, bytes) => caches[layer]!.write(bytes, nTokens),
        dispose() {
          caches = [];
        },
      };
    },
  };
}
