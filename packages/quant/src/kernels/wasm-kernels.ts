// The WebAssembly kernels (asm/) as `Kernels`.

import { blockInfo, rowBytes } from "../block-types.ts";
import { assertCount } from "../guards.ts";
import { type GridName, iqGrid } from "../iq-grids.ts";
import {
  assertMemorySpan,
  type CountKernel,
  GROUP_ROWS,
  type KernelProducts,
  type KernelSet,
  type Kernels,
  limitBits,
  type MatrixKernels,
  type PackKernel,
  type PackSource,
} from "./kernels.ts";
import { GRIDS, LANE_LAYOUTS, PAIR_TYPES, WASM_COUNTED_TYPES, WASM_LAYOUTS, type WasmLayout } from "./wasm-layouts.ts";
import type { WasmExports, WasmMemory } from "./web-assembly.ts";

/** By the numbers that asm/half.ts gives them. */
const SOURCES: readonly PackSource[] = ["f32", "f16", "bf16"];

/** @param exports of an instance that was created over `memory` and whose `initialize` was called with `scratch` */
export function wasmKernels(
  { tier, products, arithmetic, types }: KernelSet,
  exports: WasmExports,
  memory: WasmMemory,
  scratch: number,
): Kernels {
  const placedGrids = new Set<GridName>();
  const matrices = new Map<string, MatrixKernels>();
  const packers = new Map<string, PackKernel>();
  const counters = new Map<string, CountKernel>();
  for (const type of types) {
    const layout = WASM_LAYOUTS.get(type)!;
    matrices.set(type, matrixKernels(type, arithmetic === "lanes", products, exports));
    const pack = packKernel(type, layout, exports);
    if (pack !== undefined) packers.set(type, pack);
  }
  const exceeds = exported(exports, "exceeds");
  for (const type of WASM_COUNTED_TYPES)
    if (types.includes(type)) counters.set(type, exported(exports, `count_${type}`));
  return {
    tier,
    products,
    arithmetic,
    memory,
    matrix(type) {
      const kernels = matrices.get(type);
      if (kernels === undefined) {
        throw new RangeError(`"type" expected one of ${[...matrices.keys()].join(" ")}, got ${String(type)}`);
      }
      const grid = WASM_LAYOUTS.get(type)?.grid;
      if (grid !== undefined && !placedGrids.has(grid)) {
        const points = iqGrid(grid); // (points, width)
        new Int8Array(memory.buffer, scratch + GRIDS[grid], points.length).set(points);
        placedGrids.add(grid);
      }
      return kernels;
    },
    packer: (type) => packers.get(type),
    exceeds: (source, src, nValues, limit) =>
      exceeds(SOURCES.indexOf(source), src, nValues, limitBits(source, limit)) !== 0,
    counter: (type) => counters.get(type),
    checkSpan: (name, pointer, byteLength) => assertMemorySpan(memory, name, pointer, byteLength),
  };
}

function matrixKernels(type: string, isLanes: boolean, products: KernelProducts, exports: WasmExports): MatrixKernels {
  const laneLayout = isLanes ? LANE_LAYOUTS.get(type) : undefined;
  const layout = laneLayout ?? (WASM_LAYOUTS.get(type) as WasmLayout);
  const name = laneLayout === undefined ? type : `${type}_lanes`;
  const { blockValues, columnBytes, vectorBytes, columns = 1, rowsAs = name, vectorsAs = name, kind } = layout;
  const repack = exported(exports, kind === undefined ? `repack_${rowsAs}` : "repack_stored");
  const packActivations = exported(exports, `pack_activations_${vectorsAs}`);
  const variant = products === "pairs" && PAIR_TYPES.has(type) ? "_pairs" : "";
  const multiply = exported(exports, kind === undefined ? `multiply_${name}${variant}` : "multiply_stored");
  const kinds = kind === undefined ? [] : [kind];
  const { blockValues: vectorValues } = blockInfo(blockInfo(type).activationType);
  const nColumns = (rowValues: number): number => columns * Math.ceil(nBlocksOf(type, rowValues) / columns);
  return {
    type,
    weightBytes(nRows, rowValues) {
      assertCount(nRows, "nRows");
      return Math.ceil(nRows / GROUP_ROWS) * nColumns(rowValues) * columnBytes;
    },
    activationBytes(nVectors, rowValues) {
      assertCount(nVectors, "nVectors");
      return nVectors * nColumns(rowValues) * vectorBytes;
    },
    repack: (src, dst, nRows, rowValues) => repack(src, dst, nRows, rowValues / blockValues, ...kinds),
    packActivations(src, dst, nVectors, rowValues) {
      packActivations(src, dst, nVectors, rowValues / vectorValues);
    },
    multiply(weights, activations, out, rowStart, rowEnd, rowValues, nVectors, outStride) {
      const nBlocks = rowValues / blockValues;
      multiply(weights, activations, out, rowStart, rowEnd, nBlocks, nVectors, outStride, ...kinds);
    },
  };
}

/** Undefined for types that have no quantiser here. */
function packKernel(type: string, { blockValues }: WasmLayout, exports: WasmExports): PackKernel | undefined {
  const pack = exports[`pack_${type}`];
  if (pack === undefined) return undefined;
  return (source, src, dst, nValues) => {
    pack(SOURCES.indexOf(source), src, dst, nValues / blockValues);
  };
}

function nBlocksOf(type: string, rowValues: number): number {
  return rowBytes(type, rowValues) / blockInfo(type).blockBytes;
}

function exported(exports: WasmExports, name: string): (...args: number[]) => number {
  const found = exports[name];
  if (found === undefined) throw new Error(`the kernel module has no ${name}: run the "kernels" script again`);
  return found;
}
