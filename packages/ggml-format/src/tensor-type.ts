// Tensor types: ids, names and sizes as in llama.cpp build 803, and the only function that computes how many bytes a tensor has.

export interface TensorType {
  /** The number in the file. */
  readonly id: number;
  /** As build 803 prints it. The 20 and 24-byte blocks that ggml, ggmf and ggjt v1 hold under ids 2 and 3 end in `_v1`. */
  readonly name: string;
  /** Consecutive values of a row that are packed together. */
  readonly blockValues: number;
  readonly blockBytes: number;
  readonly quantized: boolean;
}

/** Every type that a model file may hold. */
const FILE_TYPES: readonly TensorType[] = [
  plain(0, "f32", 4),
  plain(1, "f16", 2),
  quantized(2, "q4_0", 32, 18),
  quantized(3, "q4_1", 32, 20),
  quantized(6, "q5_0", 32, 22),
  quantized(7, "q5_1", 32, 24),
  quantized(8, "q8_0", 32, 34),
  quantized(10, "q2_K", 256, 84),
  quantized(11, "q3_K", 256, 110),
  quantized(12, "q4_K", 256, 144),
  quantized(13, "q5_K", 256, 176),
  quantized(14, "q6_K", 256, 210),
];

/** Before ggjt v2: | scale: f32 | 16 bytes, value 2i in the low nibble of byte i | and | scale: f32 | minimum: f32 | 16 bytes |. */
const OLD_TYPES: readonly TensorType[] = [quantized(2, "q4_0_v1", 32, 20), quantized(3, "q4_1_v1", 32, 24)];

/** Ids that have a meaning, but not in a model file. */
const OTHER_IDS: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [4, "q4_2, removed"],
  [5, "q4_3, removed"],
  [9, "q8_1, not for files"],
  [15, "q8_K, not for files"],
  [16, "i8, not for models"],
  [17, "i16, not for models"],
  [18, "i32, not for models"],
]);

const byId: ReadonlyMap<number, TensorType> = /* @__PURE__ */ new Map(FILE_TYPES.map((type) => [type.id, type]));
const oldById: ReadonlyMap<number, TensorType> = /* @__PURE__ */ new Map(OLD_TYPES.map((type) => [type.id, type]));
const byName: ReadonlyMap<string, TensorType> = /* @__PURE__ */ new Map(
  [...FILE_TYPES, ...OLD_TYPES].map((type) => [type.name, type]),
);

function plain(id: number, name: string, blockBytes: number): TensorType {
  return { id, name, blockValues: 1, blockBytes, quantized: false };
}

function quantized(id: number, name: string, blockValues: number, blockBytes: number): TensorType {
  return { id, name, blockValues, blockBytes, quantized: true };
}

/** The type with this id in a file of today's block layouts; `undefined` if a model file may not hold it. */
export function tensorTypeById(id: number): TensorType | undefined {
  return byId.get(id);
}

/** The type with this id in ggml, ggmf and ggjt v1 files, for the two whose old blocks can be read. */
export function oldTensorTypeById(id: number): TensorType | undefined {
  return oldById.get(id);
}

/** What is known of an id that `tensorTypeById` does not take, for messages. */
export function otherTypeName(id: number): string | undefined {
  return OTHER_IDS.get(id);
}

/** @throws RangeError if no model file may hold a type of this name. */
export function tensorType(name: string): TensorType {
  const type = byName.get(name);
  if (type === undefined) {
    throw new RangeError(`"type" expected one of ${[...byName.keys()].join(", ")}, got ${JSON.stringify(name)}`);
  }
  return type;
}

/**
 * Bytes of a tensor, exact. `shape` is slowest dimension first; its last number is the row length.
 * @throws RangeError if a row is no whole number of blocks, or the size passes 2^53 − 1.
 */
export function tensorBytes(type: TensorType, shape: readonly number[]): number {
  const rowValues = shape.at(-1) ?? 0;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`"shape" expected sizes from 1, got ${shape}`);
  }
  if (!isWholeBlocks(type, rowValues)) {
    throw new RangeError(
      `"shape" expected rows of a multiple of ${type.blockValues} for ${type.name}, got ${rowValues}`,
    );
  }
  const bytes = exactTensorBytes(type, shape);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`"shape" expected under 2^53 bytes, got ${bytes}`);
  return Number(bytes);
}

/** True if a row of `rowValues` values is a whole number of blocks. */
export function isWholeBlocks(type: TensorType, rowValues: number): boolean {
  return rowValues > 0 && rowValues % type.blockValues === 0;
}

/** As `tensorBytes`, for rows that are known to be whole blocks, and without an upper limit. */
export function exactTensorBytes(type: TensorType, shape: readonly number[]): bigint {
  // divide first: build 803 multiplies first, and its 64-bit product can wrap
  const blocksPerRow = BigInt((shape.at(-1) as number) / type.blockValues);
  const rows = shape.slice(0, -1).reduce((product, size) => product * BigInt(size), 1n);
  return rows * blocksPerRow * BigInt(type.blockBytes);
}
