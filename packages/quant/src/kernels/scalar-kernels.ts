// The kernels in plain TypeScript: rows and vectors stay as they are in files, and every number comes from `dot`. The twin of
// all faster tiers, and what runs where there is no WebAssembly SIMD.

import type { BlockFormat } from "../block-format.ts";
import { BLOCK_TYPES, formatOf, rowBytes } from "../block-types.ts";
import { assertCount } from "../guards.ts";
import { type ArithmeticName, dot, packActivation } from "../rows.ts";
import { assertMemorySpan, type Kernels, limitBits, type MatrixKernels } from "./kernels.ts";
import type { WasmMemory } from "./web-assembly.ts";

export function scalarKernels(memory: WasmMemory, arithmetic: ArithmeticName): Kernels {
  const matrices = new Map<string, MatrixKernels>();
  for (const type of BLOCK_TYPES) {
    const format = formatOf(type);
    if (format.dot !== undefined) matrices.set(type, matrixKernels(format, arithmetic, memory));
  }
  return {
    tier: "scalar",
    products: "chain",
    arithmetic,
    memory,
    matrix(type) {
      const kernels = matrices.get(type);
      if (kernels === undefined) {
        throw new RangeError(`"type" expected one of ${[...matrices.keys()].join(" ")}, got ${String(type)}`);
      }
      return kernels;
    },
    packer: () => undefined,
    exceeds(source, src, nValues, limit) {
      const most = limitBits(source, limit);
      if (source === "f32") {
        const bits = new Uint32Array(memory.buffer, src, nValues); // (nValues)
        for (let i = 0; i < nValues; i++) if ((bits[i]! & 0x7fffffff) > most) return true;
      } else {
        const bits = new Uint16Array(memory.buffer, src, nValues); // (nValues)
        for (let i = 0; i < nValues; i++) if ((bits[i]! & 0x7fff) > most) return true;
      }
      return false;
    },
    counter: () => undefined,
    checkSpan: (name, pointer, byteLength) => assertMemorySpan(memory, name, pointer, byteLength),
  };
}

function matrixKernels(format: BlockFormat, arithmetic: ArithmeticName, memory: WasmMemory): MatrixKernels {
  const { type, activationType } = format;
  return {
    type,
    weightBytes(nRows, rowValues) {
      assertCount(nRows, "nRows");
      return nRows * rowBytes(type, rowValues);
    },
    activationBytes(nVectors, rowValues) {
      assertCount(nVectors, "nVectors");
      return nVectors * rowBytes(activationType, rowValues);
    },
    repack(src, dst, nRows, rowValues) {
      const nBytes = nRows * rowBytes(type, rowValues);
      const bytes = new Uint8Array(memory.buffer, src, nBytes); // (nRows, rowBytes)
      new Uint8Array(memory.buffer, dst, nBytes).set(bytes);
      return nonFiniteBlocks(format, bytes);
    },
    packActivations(src, dst, nVectors, rowValues) {
      const nBytes = nVectors * rowBytes(activationType, rowValues);
      const values = new Float32Array(memory.buffer, src, nVectors * rowValues); // (nVectors, rowValues)
      packActivation(type, values, new Uint8Array(memory.buffer, dst, nBytes), arithmetic);
    },
    multiply(weights, activations, out, rowStart, rowEnd, rowValues, nVectors, outStride) {
      const weightRowBytes = rowBytes(type, rowValues);
      const vectorBytes = rowBytes(activationType, rowValues);
      for (let v = 0; v < nVectors; v++) {
        const vector = new Uint8Array(memory.buffer, activations + v * vectorBytes, vectorBytes);
        const sums = new Float32Array(memory.buffer, out + 4 * (v * outStride + rowStart), rowEnd - rowStart);
        for (let row = rowStart; row < rowEnd; row++) {
          const bytes = new Uint8Array(memory.buffer, weights + row * weightRowBytes, weightRowBytes);
          sums[row - rowStart] = dot(type, bytes, vector, arithmetic);
        }
      }
    },
  };
}

/** Blocks with a floating-point field whose exponent is all ones: infinity or NaN. */
function nonFiniteBlocks(format: BlockFormat, bytes: Uint8Array): number {
  const { blockBytes, floatFields, scatteredScale } = format;
  let count = 0;
  for (let o = 0; o < bytes.length; o += blockBytes) {
    const isBad =
      (scatteredScale !== undefined && !Number.isFinite(scatteredScale(bytes, o))) ||
      floatFields.f16.some((field) => (bytes[o + field + 1]! & 0x7c) === 0x7c) ||
      floatFields.bf16?.some((field) => (bytes[o + field + 1]! & 0x7f) === 0x7f && bytes[o + field]! >= 0x80) ||
      floatFields.f32.some((field) => (bytes[o + field + 3]! & 0x7f) === 0x7f && bytes[o + field + 2]! >= 0x80);
    if (isBad) count++;
  }
  return count;
}
