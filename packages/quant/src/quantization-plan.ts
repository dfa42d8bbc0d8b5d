// Decides what becomes of each tensor of a model file when it is quantised.
// Facts: llama.cpp build 803 (built with its K types), llama_model_quantize_internal.

import type { BlockType, NameIn } from "./block-format.ts";
import { blockInfo } from "./block-types.ts";
import { QuantizationError } from "./errors.ts";
import { FTYPES } from "./ftypes.ts";
import { QK_K } from "./super-block.ts";

/** What the plan must know of a tensor. */
export interface PlanTensor<T extends string = string> {
  readonly name: string;
  /** Slowest dimension first: [rows, columns] or [n]. */
  readonly shape: readonly number[];
  readonly type: T;
}

export interface PlanOptions {
  /** Accept tensors that are quantised already; they lose quality twice. */
  readonly allowRequantize?: boolean;
  /** Copy `output.weight` as it is. */
  readonly leaveOutputTensor?: boolean;
}

export interface PlannedTensor extends PlanTensor {
  /** The type in the new file. */
  readonly targetType: string;
  /**
   * True if the bytes are copied. A tensor that is not copied is unpacked and packed again, even where `targetType` is its
   * own type (a q6_K `output.weight`).
   */
  readonly isCopied: boolean;
}

// file types that the rules for single tensors tell apart
const Q2_K = 10;
const Q3_K_M = 12;
const Q3_K_L = 13;
const Q4_K_M = 15;
const Q5_K_M = 17;

/**
 * Plans a whole file: the type of every tensor, in file order. Nothing is read or written.
 *
 * @param ftype id of the file type, one of `FTYPES`
 * @throws QuantizationError for the first tensor that cannot be: `E_INPUT` unknown file type, `E_TENSOR_SIZE` a K type whose
 *   blocks do not fit, `E_REQUANTIZE` quantised already, `E_BLOCK` rows that are no whole number of blocks (build 803 writes
 *   such a tensor, and no program can read it back)
 */
export function planQuantization<T extends string>(
  tensors: readonly PlanTensor<NameIn<BlockType, T>>[],
  ftype: number,
  options: PlanOptions = {},
): PlannedTensor[] {
  const baseType = baseTypeOf(ftype);
  const wv = createCounter("attention.wv.weight", tensors);
  const w2 = createCounter("feed_forward.w2.weight", tensors);

  return tensors.map((tensor) => {
    const { name, shape, type } = tensor;
    const isLeft = name === "output.weight" && options.leaveOutputTensor === true;
    if (!name.endsWith("weight") || shape.length !== 2 || isLeft || type === baseType) {
      return { ...tensor, targetType: type, isCopied: true };
    }
    const columns = shape[1]!;
    const rows = shape[0]!;
    const fitsSuperBlocks = columns % QK_K === 0 && rows % QK_K === 0;
    if (blockInfo(baseType).blockValues === QK_K && !fitsSuperBlocks) refuseSize(name, columns, rows);

    let targetType = baseType;
    if (name === "output.weight") {
      // whatever the file type, even f32: the K types of build 803 made it so
      if (fitsSuperBlocks) targetType = "q6_K";
    } else if (wv.counts(name)) {
      targetType = attentionValueType(ftype, baseType, wv.next());
    } else if (w2.counts(name)) {
      targetType = attentionValueType(ftype, baseType, w2.next());
    } else if (name.includes("attention.wo.weight")) {
      targetType = attentionOutputType(ftype, baseType);
    }

    if (blockInfo(type).isQuantized && options.allowRequantize !== true) refuseRequantizing(name, type);
    assertWholeBlocks(name, columns, targetType);
    return { ...tensor, targetType, isCopied: false };
  });
}

function baseTypeOf(ftype: number): string {
  const fileType = FTYPES.find(({ id }) => id === ftype);
  if (fileType === undefined) {
    throw new QuantizationError({
      code: "E_INPUT",
      toolText: `invalid output file type ${ftype}\n`,
      expected: "an id of FTYPES",
      got: ftype,
    });
  }
  return fileType.baseType;
}

/** Counts the tensors of one role: `next` tells whether the next one of them is among those that get more bits. */
interface RoleCounter {
  counts(name: string): boolean;
  next(): boolean;
}

function createCounter(part: string, tensors: readonly PlanTensor[]): RoleCounter {
  const total = tensors.filter(({ name }) => name.includes(part)).length;
  let index = 0;
  return {
    counts: (name) => name.includes(part),
    next: () => usesMoreBits(index++, total),
  };
}

/** The first and the last eighth of the layers, and every third one between them. */
export function usesMoreBits(index: number, total: number): boolean {
  const eighth = Math.floor(total / 8);
  return index < eighth || index >= Math.floor((7 * total) / 8) || (index - eighth) % 3 === 2;
}

/** Type of attention.wv and feed_forward.w2. */
function attentionValueType(ftype: number, baseType: string, moreBits: boolean): string {
  if ((ftype === Q4_K_M || ftype === Q5_K_M) && moreBits) return "q6_K";
  return attentionOutputType(ftype, baseType);
}

/** Type of attention.wo. */
function attentionOutputType(ftype: number, baseType: string): string {
  if (ftype === Q3_K_M || ftype === Q2_K) return "q4_K";
  if (ftype === Q3_K_L) return "q5_K";
  return baseType;
}

function refuseSize(tensor: string, columns: number, rows: number): never {
  throw new QuantizationError({
    code: "E_TENSOR_SIZE",
    tensor,
    toolText: "Unsupported tensor size encountered\n",
    notice: [
      "",
      "",
      `========================= Tensor sizes ${columns} x ${rows} are not divisible by ${QK_K}`,
      "This is required to be able to use k-quants for now!",
      "=".repeat(88),
      "",
    ],
    expected: `dimensions that are multiples of ${QK_K}`,
    got: `${columns} x ${rows}`,
  });
}

function refuseRequantizing(tensor: string, type: string): never {
  throw new QuantizationError({
    code: "E_REQUANTIZE",
    tensor,
    toolText: `requantizing from type ${type} is disabled`,
    expected: "f16 or f32",
    got: type,
  });
}

function assertWholeBlocks(tensor: string, columns: number, targetType: string): void {
  const { blockValues } = blockInfo(targetType);
  if (columns % blockValues === 0) return;
  throw new QuantizationError({
    code: "E_TENSOR_SIZE",
    tensor,
    toolText: `rows of ${columns} values do not fill ${targetType} blocks of ${blockValues}`,
    expected: `a multiple of ${blockValues}`,
    got: columns,
  });
}
