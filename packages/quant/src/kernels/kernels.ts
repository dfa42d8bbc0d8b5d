// What kernels are: functions on one WebAssembly memory that multiply matrices in 8-row groups with packed vectors.

import type { ArithmeticName } from "../rows.ts";
import type { WasmMemory } from "./web-assembly.ts";

/**
 * How the kernels are made, slowest first: readable TypeScript; WebAssembly with 128-bit vectors; that with relaxed byte
 * products; the same code turned into 256-bit vectors by V8 (Node on x64 only).
 */
export type KernelTier = "scalar" | "simd" | "relaxed" | "wide";

/**
 * How products of bytes are added: each four to a 32-bit sum, which one instruction does on some processors; or in 16 bits as long as
 * they fit, and then to a 32-bit sum. The sums are the same whole numbers.
 */
export type KernelProducts = "chain" | "pairs";

/** A tier; or, of a tier that has both, with its products. */
export type KernelName = KernelTier | `${"relaxed" | "wide"}-${KernelProducts}`;

/** Kernels that work on this machine, not bound to a memory yet. A structured clone does: send it to workers. */
export interface KernelSet {
  readonly tier: KernelTier;
  /** Which were faster here; tiers that have but one way, and types, have "chain". */
  readonly products: KernelProducts;
  readonly arithmetic: ArithmeticName;
  /** Types that were tested: kernels of no others are bound. The scalar tier has all. */
  readonly types: readonly string[];
  /** A `WebAssembly.Module`, which workers share with its compiled code; undefined for the scalar tier. */
  readonly module: object | undefined;
}

/** Rows of one group: the unit in which rows are stored, and of `rowStart`. */
export const GROUP_ROWS = 8;

/** Bytes that `bindKernels` wants for itself in the memory. */
export const SCRATCH_BYTES = 46080;

/** Pointers below this are refused: the compiler folds small offsets into addresses because nothing lies here. */
export const LOWEST_POINTER = 1024;

/**
 * Kernels over one memory. Every pointer is a byte offset in it. A memory that grows is followed; kernels allocate nothing and
 * keep nothing but their scratch space, so several instances may share a memory if each has its own.
 */
export interface Kernels {
  readonly tier: KernelTier;
  readonly products: KernelProducts;
  /** That of matrix products. Packing and what else there is knows but one. */
  readonly arithmetic: ArithmeticName;
  readonly memory: WasmMemory;
  /**
   * The kernels for rows of `type`. Look them up once, outside the loop over tokens.
   * @throws RangeError for an unknown type or one that rows cannot have
   */
  matrix(type: string): MatrixKernels;
  /** The quantiser of `type` to be used instead of `packRows`, bit-identical; undefined where there is none. */
  packer(type: string): PackKernel | undefined;
  /**
   * Whether any of `nValues` values of type `source` at `src` is NaN, infinite or of a magnitude above `limit`, which is 65504 or
   * more: what a quantiser makes of such a value means nothing. See `valueLimit`.
   */
  exceeds(source: PackSource, src: number, nValues: number, limit: number): boolean;
  /** What to use instead of `toolHistogram`, with the same counts; undefined where there is none. */
  counter(type: string): CountKernel | undefined;
  /**
   * Kernels do not check pointers. Check each buffer once, when it is placed.
   * @throws RangeError unless `byteLength` bytes at `pointer` lie inside the memory, above `LOWEST_POINTER`
   */
  checkSpan(name: string, pointer: number, byteLength: number): void;
}

/** The kernels for one type of rows. The layout of groups and of packed vectors is the tier's own affair. */
export interface MatrixKernels {
  readonly type: string;
  /**
   * Bytes that `repack` writes.
   * @throws RangeError if a count is no count; WeightError if `rowValues` do not fill whole blocks
   */
  weightBytes(nRows: number, rowValues: number): number;
  /** Bytes that `packActivations` writes. @throws as `weightBytes` */
  activationBytes(nVectors: number, rowValues: number): number;
  /**
   * Rows as in a file → groups of 8 rows. A matrix may come in pieces of whole groups, each `weightBytes` further on.
   *
   * @param src (nRows, rowBytes) bytes
   * @param dst `weightBytes(nRows, rowValues)`; must not overlap `src`
   * @returns the number of blocks (f16, f32: of values) whose scale is infinite or NaN. Kernels other than the scalar ones
   *   compute something else with those than build 803, which computes NaN: refuse such rows (`checkRows` names the block).
   */
  repack(src: number, dst: number, nRows: number, rowValues: number): number;
  /**
   * Packs vectors as the rows' partner: `packActivation`, in the tier's own layout.
   *
   * @param src (nVectors, rowValues) binary32, a multiple of 4
   * @param dst `activationBytes(nVectors, rowValues)`, a multiple of 4
   */
  packActivations(src: number, dst: number, nVectors: number, rowValues: number): void;
  /**
   * out[v · outStride + row] = `dot(row, vector v)` for rowStart ≤ row < rowEnd, bit for bit.
   *
   * @param weights start of the repacked matrix, whatever `rowStart` is
   * @param activations packed vectors, all `nVectors` of them
   * @param out binary32, a multiple of 4
   * @param rowStart a multiple of 8
   * @param rowEnd rows behind it are not written, also within a group
   */
  multiply(
    weights: number,
    activations: number,
    out: number,
    rowStart: number,
    rowEnd: number,
    rowValues: number,
    nVectors: number,
    outStride: number,
  ): void;
}

/** What quantisers read. */
export type PackSource = "f32" | "f16" | "bf16";

/** Packs `nValues` values, whole blocks, of type `source` at `src` into blocks at `dst`. */
export type PackKernel = (source: PackSource, src: number, dst: number, nValues: number) => void;

/** Adds the levels of `nBlocks` blocks at `src` to (16) 32-bit counts at `counts`, a multiple of 4. */
export type CountKernel = (src: number, counts: number, nBlocks: number) => void;

/** Bits of the largest finite binary16 number, 65504. */
const LARGEST_F16 = 0x7bff;

/** Bits of the largest number of type `source` that is not above `limit`, which is 65504 or more. */
export function limitBits(source: PackSource, limit: number): number {
  if (source === "f16") return LARGEST_F16;
  const bits = new Uint32Array(Float32Array.of(limit).buffer)[0] as number;
  return source === "bf16" ? bits >>> 16 : bits;
}

/** @throws RangeError unless `byteLength` bytes at `pointer` lie inside `memory`, above `LOWEST_POINTER` */
export function assertMemorySpan(memory: WasmMemory, name: string, pointer: number, byteLength: number): void {
  const size = memory.buffer.byteLength;
  const isInside =
    Number.isSafeInteger(pointer) &&
    Number.isSafeInteger(byteLength) &&
    pointer >= LOWEST_POINTER &&
    byteLength >= 0 &&
    byteLength <= size - pointer;
  if (!isInside) {
    throw new RangeError(
      `"${name}" expected a span between ${LOWEST_POINTER} and ${size} bytes of memory, got ${pointer} + ${byteLength}`,
    );
  }
}
