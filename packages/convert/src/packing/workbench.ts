// Packing in this thread, on one memory that is as large as its pieces are.

import { allocate } from "@ll/bytes";
import {
  bindGgufPackers,
  bindKernels,
  blockInfo,
  type GgufPackerSet,
  type GgufPackers,
  type KernelSet,
  type Kernels,
  knowsImportance,
  LOWEST_POINTER,
  PACKER_SCRATCH_BYTES,
  type PackSource,
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

// | scratch space of the kernels | counts | scratch space of the packers | values of blocks that were unpacked | slot 0: source, packed | slot 1 | …
const COUNTS = LOWEST_POINTER + SCRATCH_BYTES;
const PACKERS = COUNTS + 4 * BINS;
const VALUES = PAGE_BYTES * Math.ceil((PACKERS + PACKER_SCRATCH_BYTES) / PAGE_BYTES);
const SLOTS = VALUES + PIECE_BYTES;
const SLOT_BYTES = 2 * PIECE_BYTES;

/** A `Packer` that works when it is called. Reading into one slot goes on while another is packed. */
export interface Workbench extends Packer {
  pack(slot: number, byteLength: number, packing: Packing): PackedPiece;
}

/** @param packerSet for GGUF files */
export function createWorkbench(set: KernelSet, packerSet: GgufPackerSet, slots: number): Workbench {
  const memory = memoryOf(SLOTS + slots * SLOT_BYTES, set);
  const kernels = bindKernels(set, memory);
  const packers = bindGgufPackers(
    set.module === undefined ? { ...packerSet, module: undefined } : packerSet,
    memory,
    PACKERS,
  );
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
      packValues(kernels, packers, packing, source, values.subarray(0, nValues), bytes);
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
  packers: GgufPackers,
  { from, to, isGguf = false, importance }: Packing,
  source: Uint8Array,
  values: Float32Array,
  packed: Uint8Array,
): void {
  if (isGguf && (importance !== undefined || !packsAlike(to, from))) {
    widen(kernels, from, source, values);
    packGguf(kernels, packers, to, values, packed, importance);
    return;
  }
  const pack = kernels.packer(to);
  if (pack !== undefined && isPackSource(from)) {
    pack(from, source.byteOffset, packed.byteOffset, values.length);
    return;
  }
  unpackRows(from, source, values);
  if (pack === undefined) packRows(to, values, packed);
  else pack("f32", values.byteOffset, packed.byteOffset, values.length);
}

function isPackSource(type: string): type is PackSource {
  return type === "f16" || type === "f32" || type === "bf16";
}

/** `unpackRows`, by the kernel if there is one. */
function widen(kernels: Kernels, from: string, source: Uint8Array, values: Float32Array): void {
  const cast = kernels.packer("f32");
  if (cast === undefined || !isPackSource(from)) unpackRows(from, source, values);
  else cast(from, source.byteOffset, values.byteOffset, values.length);
}

/** `packGgufRows`, by a packer of the same bytes if there is one: for values that `to` can hold. `packed` is the beginning of a place of `PIECE_BYTES`. */
function packGguf(
  kernels: Kernels,
  packers: GgufPackers,
  to: string,
  values: Float32Array,
  packed: Uint8Array,
  importance: Float32Array | undefined,
): void {
  const weights = importance !== undefined && knowsImportance(to) ? importance : undefined;
  const pack = packers.packer(to, weights !== undefined);
  const importanceBytes = weights?.byteLength ?? 0;
  const isPlaced = packed.length + importanceBytes <= PIECE_BYTES;
  if (pack === undefined || !isPlaced || kernels.exceeds("f32", values.byteOffset, values.length, valueLimit(to))) {
    packGgufRows(to, values, packed, importance);
    return;
  }
  const pointer = packed.byteOffset + PIECE_BYTES - importanceBytes;
  if (weights !== undefined) new Float32Array(packed.buffer, pointer, weights.length).set(weights);
  const placed = weights && { pointer, rowValues: weights.length };
  pack(values.byteOffset, packed.byteOffset, values.length, placed);
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
  const isFloat = isPackSource(from);
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
