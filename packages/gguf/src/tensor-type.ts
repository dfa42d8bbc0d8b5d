// Tensor types: ids, names and sizes as in ggml (enum ggml_type and type traits, 2026), and the only function that computes how
// many bytes a tensor has. All of them can be listed and copied; what their bytes mean is for others to know.

export interface TensorType {
  /** The number in the file. */
  readonly id: number;
  /** As llama.cpp prints it; the types that @ll/quant computes with have the same names there. */
  readonly name: string;
  /** Consecutive values of a row that are packed together. */
  readonly blockValues: number;
  readonly blockBytes: number;
}

const TYPES: readonly TensorType[] = [
  type(0, "f32", 1, 4),
  type(1, "f16", 1, 2),
  type(2, "q4_0", 32, 18),
  type(3, "q4_1", 32, 20),
  type(6, "q5_0", 32, 22),
  type(7, "q5_1", 32, 24),
  type(8, "q8_0", 32, 34),
  type(9, "q8_1", 32, 36), // 40 before November 2023; never seen in a file
  type(10, "q2_K", 256, 84),
  type(11, "q3_K", 256, 110),
  type(12, "q4_K", 256, 144),
  type(13, "q5_K", 256, 176),
  type(14, "q6_K", 256, 210),
  type(15, "q8_K", 256, 292),
  type(16, "iq2_xxs", 256, 66),
  type(17, "iq2_xs", 256, 74),
  type(18, "iq3_xxs", 256, 98),
  type(19, "iq1_s", 256, 50),
  type(20, "iq4_nl", 32, 18),
  type(21, "iq3_s", 256, 110),
  type(22, "iq2_s", 256, 82),
  type(23, "iq4_xs", 256, 136),
  type(24, "i8", 1, 1),
  type(25, "i16", 1, 2),
  type(26, "i32", 1, 4),
  type(27, "i64", 1, 8),
  type(28, "f64", 1, 8),
  type(29, "iq1_m", 256, 56),
  type(30, "bf16", 1, 2),
  type(34, "tq1_0", 256, 54),
  type(35, "tq2_0", 256, 66),
  type(39, "mxfp4", 32, 17),
  type(40, "nvfp4", 64, 36),
  type(41, "q1_0", 128, 18),
  type(42, "q2_0", 64, 18),
];

/** Ids that had a meaning once: no program reads them any more, and nobody may guess at their sizes. */
const REMOVED: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [4, "q4_2"],
  [5, "q4_3"],
  [31, "q4_0_4_4"],
  [32, "q4_0_4_8"],
  [33, "q4_0_8_8"],
  [36, "iq4_nl_4_4"],
  [37, "iq4_nl_4_8"],
  [38, "iq4_nl_8_8"],
]);

const byId: ReadonlyMap<number, TensorType> = /* @__PURE__ */ new Map(TYPES.map((one) => [one.id, one]));
const byName: ReadonlyMap<string, TensorType> = /* @__PURE__ */ new Map(TYPES.map((one) => [one.name, one]));

function type(id: number, name: string, blockValues: number, blockBytes: number): TensorType {
  return { id, name, blockValues, blockBytes };
}

/** The type with this id; `undefined` if there is none, or none any more. */
export function tensorTypeById(id: number): TensorType | undefined {
  return byId.get(id);
}

/** Name of a type that was removed from the format. */
export function removedTypeName(id: number): string | undefined {
  return REMOVED.get(id);
}

/** @throws RangeError if there is no type of this name. */
export function tensorType(name: string): TensorType {
  const found = byName.get(name);
  if (found === undefined) {
    throw new RangeError(`"type" expected one of ${[...byName.keys()].join(", ")}, got ${JSON.stringify(name)}`);
  }
  return found;
}

/**
 * Bytes of a tensor, exact. `shape` is slowest dimension first; its last number is the row length. A size of 0 makes 0 bytes,
 * no dimensions make one value.
 * @throws RangeError if a row is no whole number of blocks, or the size passes 2^53 − 1.
 */
export function tensorBytes({ name, blockValues, blockBytes }: TensorType, shape: readonly number[]): number {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`"shape" expected sizes from 0, got ${shape}`);
  }
  if (!isWholeBlocks(blockValues, shape)) {
    throw new RangeError(`"shape" expected rows of a multiple of ${blockValues} for ${name}, got ${shape.at(-1) ?? 1}`);
  }
  const bytes = exactTensorBytes(blockValues, blockBytes, shape);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`"shape" expected under 2^53 bytes, got ${bytes}`);
  return Number(bytes);
}

/** True if a row is a whole number of blocks. */
export function isWholeBlocks(blockValues: number, shape: readonly number[]): boolean {
  return (shape.at(-1) ?? 1) % blockValues === 0;
}

/** As `tensorBytes`, for rows that are known to be whole blocks, and without an upper limit. */
export function exactTensorBytes(blockValues: number, blockBytes: number, shape: readonly number[]): bigint {
  // divide first: products of 64-bit sizes wrap, and files have been made so that they do
  const blocksPerRow = BigInt((shape.at(-1) ?? 1) / blockValues);
  return shape.slice(0, -1).reduce((product, size) => product * BigInt(size), blocksPerRow) * BigInt(blockBytes);
}
