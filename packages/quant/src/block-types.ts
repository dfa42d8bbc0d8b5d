// The block types there are. A file with a `BlockFormat`, its name in block-format.ts and a line here make a further one that
// can be packed, unpacked and multiplied. What else it wants: its kernels (kernels/wasm-layouts.ts, asm/index.ts), the kinds of
// file made of it (ftypes.ts), and its id in files, which is for @ll/ggml-format and @ll/gguf to know.

import { bf16 } from "./bf16.ts";
import { type BlockFormat, type BlockType, NAMES, type NameIn } from "./block-format.ts";
import { WeightError } from "./errors.ts";
import { f16 } from "./f16.ts";
import { f32 } from "./f32.ts";
import { assertCount } from "./guards.ts";
import { iq1_m, iq1_s } from "./iq1.ts";
import { iq2_s, iq2_xs, iq2_xxs } from "./iq2.ts";
import { iq3_s, iq3_xxs } from "./iq3.ts";
import { iq4_nl, iq4_xs } from "./iq4.ts";
import { mxfp4, nvfp4 } from "./mxfp4.ts";
import { q1_0, q2_0 } from "./q1_0.ts";
import { q2_K } from "./q2_K.ts";
import { q3_K } from "./q3_K.ts";
import { q4_0 } from "./q4_0.ts";
import { q4_1 } from "./q4_1.ts";
import { q4_K } from "./q4_K.ts";
import { q5_0 } from "./q5_0.ts";
import { q5_1 } from "./q5_1.ts";
import { q5_K } from "./q5_K.ts";
import { q6_K } from "./q6_K.ts";
import { q8_0 } from "./q8_0.ts";
import { q8_1 } from "./q8_1.ts";
import { q8_K } from "./q8_K.ts";
import { tq1_0, tq2_0 } from "./tq.ts";

const FORMATS: Readonly<Record<BlockType, BlockFormat>> = {
  f32,
  f16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q8_1,
  q2_K,
  q3_K,
  q4_K,
  q5_K,
  q6_K,
  q8_K,
  iq2_xxs,
  iq2_xs,
  iq3_xxs,
  iq1_s,
  iq4_nl,
  iq3_s,
  iq2_s,
  iq4_xs,
  iq1_m,
  bf16,
  tq1_0,
  tq2_0,
  mxfp4,
  nvfp4,
  q1_0,
  q2_0,
};

const FORMAT_OF: ReadonlyMap<string, BlockFormat> = /* @__PURE__ */ new Map(NAMES.map((name) => [name, FORMATS[name]]));

/** What one block of a type holds. */
export interface BlockInfo {
  readonly type: BlockType;
  readonly blockValues: number;
  readonly blockBytes: number;
  /** The type to which a vector is packed before `dot` with rows of this type; the type itself for activation types. */
  readonly activationType: BlockType;
  /** False for q8_1 and q8_K, which only activations use: no model file holds them and `dot` has no rows of them. */
  readonly isWeightType: boolean;
  /** True for all but f32, f16 and bf16. */
  readonly isQuantized: boolean;
  /** False for the types that are read and multiplied only: `packRows` does not make them. */
  readonly canPack: boolean;
}

/** Names of all types, as llama.cpp prints them. */
export const BLOCK_TYPES: readonly string[] = NAMES;

/** @throws RangeError for an unknown type. */
export function blockInfo<T extends string>(type: NameIn<BlockType, T>): BlockInfo {
  const format = formatOf(type);
  const { blockValues, blockBytes, activationType, dot, pack } = format;
  return {
    type: format.type,
    blockValues,
    blockBytes,
    activationType,
    isWeightType: dot !== undefined,
    isQuantized: type !== "f32" && type !== "f16" && type !== "bf16",
    canPack: pack !== undefined,
  };
}

/**
 * Bytes that `nValues` values of a type take, for example those of a row.
 *
 * @throws RangeError for an unknown type or a count that is no count; WeightError `E_BLOCK` if the values do not fill whole blocks
 */
export function rowBytes<T extends string>(type: NameIn<BlockType, T>, nValues: number): number {
  const { blockValues, blockBytes } = formatOf(type);
  assertCount(nValues, "nValues");
  if (nValues % blockValues !== 0) {
    throw new WeightError({
      code: "E_BLOCK",
      expected: `a multiple of ${blockValues}`,
      got: nValues,
      message: `${nValues} values do not fill ${type} blocks of ${blockValues}`,
    });
  }
  return (nValues / blockValues) * blockBytes;
}

/** @throws RangeError for an unknown type. */
export function formatOf(type: string): BlockFormat {
  const format = FORMAT_OF.get(type);
  if (format === undefined)
    throw new RangeError(`"type" expected one of ${BLOCK_TYPES.join(" ")}, got ${String(type)}`);
  return format;
}
