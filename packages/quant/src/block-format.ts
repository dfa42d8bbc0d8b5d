// What a block type must bring to be registered in block-types.ts, and the names there are.

/** Every name, as llama.cpp prints it, in the order of their ggml type ids. */
export const NAMES = [
  "f32",
  "f16",
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q8_0",
  "q8_1",
  "q2_K",
  "q3_K",
  "q4_K",
  "q5_K",
  "q6_K",
  "q8_K",
  "iq2_xxs",
  "iq2_xs",
  "iq3_xxs",
  "iq1_s",
  "iq4_nl",
  "iq3_s",
  "iq2_s",
  "iq4_xs",
  "iq1_m",
  "bf16",
  "tq1_0",
  "tq2_0",
  "mxfp4",
  "nvfp4",
  "q1_0",
  "q2_0",
] as const;

/** Name of a block type, as `packRows` and its kin take it. */
export type BlockType = (typeof NAMES)[number];

/**
 * What a parameter takes that is one of the names of `Known`: a literal must be one of them, and a plain `string` is checked when
 * the program runs.
 */
export type NameIn<Known extends string, Given extends string> = Known | (string extends Given ? Given : never);

/** Where a block holds its floating-point fields, in bytes from its start. */
export interface FloatFields {
  readonly f16: readonly number[];
  readonly f32: readonly number[];
  readonly bf16?: readonly number[];
}

/**
 * One way to hold values in blocks of bytes. Every method works on whole blocks, trusts its lengths (rows.ts has checked
 * them) and allocates nothing.
 */
export interface BlockFormat {
  /** As build 803 of llama.cpp prints it. */
  readonly type: BlockType;
  readonly blockValues: number;
  readonly blockBytes: number;
  /** The type that a vector must be packed to before it meets rows of this type; the type itself for activation types. */
  readonly activationType: BlockType;
  readonly floatFields: FloatFields;
  /** The scale of the block at `offset`, if it lies in several places and is none of `floatFields`. */
  readonly scatteredScale?: (bytes: Uint8Array, offset: number) => number;
  /** Packs `values` (nBlocks * blockValues) into `out` (nBlocks * blockBytes). Types that can only be read have none. */
  readonly pack?: (values: Float32Array, out: Uint8Array) => void;
  /** Unpacks `bytes` (nBlocks * blockBytes) into `out` (nBlocks * blockValues). */
  unpack(bytes: Uint8Array, out: Float32Array): void;
  /** Dot product of a row (nBlocks * blockBytes) with a packed activation row of as many values. Activation types have none. */
  readonly dot?: (weights: Uint8Array, activations: Uint8Array) => number;
  /** The same in the arithmetic `lanes`, where that is another number. */
  readonly laneDot?: (weights: Uint8Array, activations: Uint8Array) => number;
  /** Packs activations for the arithmetic `lanes`, where that gives other bytes than `pack`. */
  readonly packForLanes?: (values: Float32Array, out: Uint8Array) => void;
  /** Adds the levels of all blocks to `counts` (16); only the types for which build 803 prints a histogram. */
  readonly countLevels?: (bytes: Uint8Array, counts: Float64Array) => void;
  /** The counts that build 803 prints, where its program counts wrongly. */
  readonly countLevelsAsPrinted?: (bytes: Uint8Array, counts: Float64Array) => void;
}
