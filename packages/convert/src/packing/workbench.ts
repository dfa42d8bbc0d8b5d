// Packing in this thread, on one memory that is as large as its pieces are.

import { allocate } from "@ll/bytes";
import {
  bindKernels,
  blockInfo,
  type KernelSet,
  type Kernels,
  LOWEST_POINTER,
  packGgufRows,
  packRows,
  packsAlike,
  SCRATCH_BYTES,
  toolHistogram,
  unpackRows,
  valueLimit,
  type WasmMemory,
} from "@ll/quant";
import type { LostValues } from "../events.ts";
import { countLost, lostInCopy, lostScales } from "./lost-values.ts";
import { type PackedPiece, type Packer, type Packing, PIECE_BYTES, PIECE_VALUES } from "./packer.ts";

const PAGE_BYTES = 65536;
const BINS = 16;

// | scratch space of the kernels | counts | values of blocks that were unpacked | slot 0: source, packed | slot 1 | …
const COUNTS = LOWEST_POINTER + SCRATCH_BYTES;
const VALUES = PAGE_BYTES;
const SLOTS = VALUES + PIECE_BYTES;
const SLOT_BYTES = 2 * PIECE_BYTES;

/** A `Packer` that works when it is called. Reading into one slot goes on while another is packed. */
export interface Workbench extends Packer {
  pack(slot: number, byteLength: number, packing: Packing): PackedPiece;
}

export function createWorkbench(set: KernelSet, slots: number): Workbench {
  const memory = memoryOf(SLOTS + slots * SLOT_BYTES, set);
  const kernels = bindKernels(set, memory);
  const values = new Float32Array(memory.buffer, VALUES, PIECE_VALUES); // (PIECE_VALUES)
  const counts = new Uint32Array(memory.buffer, COUNTS, BINS); // (16)
  return {
    slots,
    source: (slot, byteLength) => new Uint8Array(memory.buffer, SLOTS + slot * SLOT_BYTES, byteLength),
    pack(slot, byteLength, packing) {
      const at = SLOTS + slot * SLOT_BYTES;
      const source = new Uint8Array(memory.buffer, at, byteLength);
      const from = blockInfo(packing.from);
      const to = blockInfo(packing.to);
      const nValues = (byteLength / from.blockBytes) * from.blockValues;
      const nBlocks = nValues / to.blockValues;
      const bytes = new Uint8Array(memory.buffer, at + PIECE_BYTES, nBlocks * to.blockBytes);
      packValues(kernels, packing, source, values.subarray(0, nValues), bytes);
      const lost = lostIn(kernels, packing, source, values.subarray(0, nValues), bytes);
      return { bytes, histogram: histogramOf(kernels, packing.to, bytes, nBlocks, counts), lost };
    },
    async dispose() {},
  };
}

/** A WebAssembly memory where the kernels want one. */
function memoryOf(byteLength: number, { module }: KernelSet): WasmMemory {
  if (module === undefined) return { buffer: new ArrayBuffer(byteLength) };
  return allocate("the kernels", () => new WebAssembly.Memory({ initial: Math.ceil(byteLength / PAGE_BYTES) }));
}

/** All arrays are views of the memory of `kernels`. `values` (nValues) is for values on their way. */
function packValues(
  kernels: Kernels,
  { from, to, isGguf = false, importance }: Packing,
  source: Uint8Array,
  values: Float32Array,
  packed: Uint8Array,
): void {
  if (isGguf && (importance !== undefined || !packsAlike(to, from))) {
    unpackRows(from, source, values);
    packGgufRows(to, values, packed, importance);
    return;
  }
  const pack = kernels.packer(to);
  if (pack !== undefined && (from === "f16" || from === "f32" || from === "bf16")) {
    pack(from, source.byteOffset, packed.byteOffset, values.length);
    return;
  }
  unpackRows(from, source, values);
  if (pack === undefined) packRows(to, values, packed);
  else pack("f32", values.byteOffset, packed.byteOffset, values.length);
}

/** What of a piece its new type cannot hold: told by the values in one quick pass, and by the scales that came of them. */
function lostIn(
  kernels: Kernels,
  { from, to }: Packing,
  source: Uint8Array,
  values: Float32Array,
  packed: Uint8Array,
): LostValues | undefined {
  const limit = valueLimit(to);
  const isFloat = from === "f16" || from === "f32" || from === "bf16";
  const [type, at] = isFloat ? ([from, source.byteOffset] as const) : (["f32", values.byteOffset] as const);
  if (!kernels.exceeds(type, at, values.length, limit)) {
    // a scale that is no number can hide behind levels of zero
    return (isFloat ? undefined : lostInCopy(from, source)) ?? lostScales(to, packed);
  }
  unpackRows(from, source, values);
  return countLost(values, limit);
}

/** @param counts (16) working memory, in that of `kernels` */
function histogramOf(
  kernels: Kernels,
  type: string,
  packed: Uint8Array,
  nBlocks: number,
  counts: Uint32Array,
): Float64Array {
  const count = kernels.counter(type);
  if (count === undefined) return toolHistogram(type, packed);
  counts.fill(0);
  count(packed.byteOffset, counts.byteOffset, nBlocks);
  return Float64Array.from(counts);
}
