// Low-rank adapters (LoRA; Hu et al., arXiv:2106.09685): a source of tensors some of which are patched while they are read, so
// that every engine can load them. For row y and column x of a patched matrix W
//
//   W'[y][x] = W[y][x] + alpha / r · Σ over k of A[x][k] · B[y][k]
//
// in the arithmetic of the portable scalar build of llama.cpp 803, which rounds the result to the type of W again. What computes with
// the result may do so in any arithmetic.

import { allocate, assertSpan, type SourceTensor, type TensorSource, turn } from "@ll/bytes";
import { ModelError } from "@ll/llama";
import { BLOCK_TYPES, blockInfo, packRows, rowBytes, unpackRows } from "@ll/quant";

/** Two matrices whose product has the shape of the target. */
export interface LoraPair {
  /** Name of the tensor that is patched: any of the model, also a norm. */
  readonly target: string;
  readonly a: SourceTensor; // (columns of the target, rank), or (rank, columns) if `isTransposed`
  readonly b: SourceTensor; // (rows of the target, rank)
  readonly isTransposed?: boolean | undefined;
}

/** An adapter; one that `openLora` of @ll/ggml-format has opened fits, or `loraFromGguf` gives one. */
export interface LoraAdapter {
  /** Computes nothing but the scaling alpha / r. Default: the rank of each pair, which is in its shapes. */
  readonly r?: number | undefined;
  /** Default: nothing is scaled. */
  readonly alpha?: number | undefined;
  readonly pairs: Iterable<LoraPair>;
  /** As that of a `TensorSource`. */
  readonly assertUnchanged?: (() => Promise<void>) | undefined;
}

export interface WithLoraOptions {
  /**
   * Where the patched tensors are taken from instead, in f32 or f16: a better original of a quantised model. The sum is rounded
   * to the base's type before it gets the model's.
   */
  readonly base?: TensorSource | undefined;
  readonly onEvent?: (event: TensorPatchedEvent) => void;
}

/** The end of a patched tensor was read, for the first time. */
export interface TensorPatchedEvent {
  readonly kind: "tensor-patched";
  readonly name: string;
  /** Patched tensors so far, this one included, and all there will be. */
  readonly nPatched: number;
  readonly nTotal: number;
  /** True if it was unpacked from blocks and packed again, which costs some of its precision, also where nothing was added. */
  readonly isRepacked: boolean;
}

/** Values that are unpacked, added to and packed at a time, between two turns of the event loop. */
const PIECE_VALUES = 256 * 1024;
/** Products that are computed for them. */
const PIECE_PRODUCTS = 2 ** 25;

/** Types of factors: what adapters of GGUF files come in. */
const FACTOR_TYPES = ["f32", "f16", "bf16", "q8_0"];

/**
 * `source` with an adapter applied. Nothing is read until a tensor is; what is read is not kept.
 * @throws ModelError before anything is read: `E_UNKNOWN_TENSOR` for a target that the model has not, `E_MISSING_TENSOR` for one
 * that the base has not, `E_DUP` for one that comes twice, `E_SHAPE`, `E_TENSOR_TYPE` and `E_LENGTH` for tensors that do not go
 * together
 */
export function withLora(source: TensorSource, adapter: LoraAdapter, options: WithLoraOptions = {}): TensorSource {
  const { base, onEvent } = options;
  const { alpha } = adapter;
  const readFactors = factorReader();
  const patched = new Map<string, SourceTensor>();
  let nPatched = 0;
  for (const pair of adapter.pairs) {
    const { target } = pair;
    if (patched.has(target)) fail("E_DUP", target, "one pair", "two pairs", `two pairs for '${target}'`);
    const [model, original] = checkedPair(pair, source, base);
    const rank = pair.b.shape[1]!;
    const scaling = alpha === undefined ? 1 : Math.fround(Math.fround(alpha) / Math.fround(adapter.r ?? rank));
    const { isQuantized } = blockInfo(original.type);
    const onEnd = (): void => {
      nPatched++;
      const nTotal = patched.size;
      onEvent?.({ kind: "tensor-patched", name: target, nPatched, nTotal, isRepacked: isQuantized });
    };
    patched.set(target, patchedTensor(model, original, { rank, read: () => readFactors(pair) }, scaling, onEnd));
  }
  return {
    names: () => source.names(),
    tensor: (name) => patched.get(name) ?? source.tensor(name),
    async assertUnchanged() {
      for (const one of [source, adapter, base]) await one?.assertUnchanged?.();
    },
  };
}

/** The values of a pair. */
interface Factors {
  readonly rank: number;
  readonly a: Float32Array; // (columns of the target, rank)
  readonly b: Float32Array; // (rows of the target, rank)
}

/** Reads factors and keeps the last ones: a tensor is mostly read in several pieces, one tensor after the other. */
function factorReader(): (pair: LoraPair) => Promise<Factors> {
  let last: { readonly pair: LoraPair; readonly factors: Promise<Factors> } | undefined;
  const read = async ({ a, b, isTransposed }: LoraPair): Promise<Factors> => {
    const rank = b.shape[1]!;
    const values = await floats(a);
    return { rank, a: isTransposed ? transposed(values, rank) : values, b: await floats(b) };
  };
  return (pair) => {
    if (last?.pair !== pair) last = { pair, factors: read(pair) };
    return last.factors;
  };
}

async function floats(tensor: SourceTensor): Promise<Float32Array> {
  const bytes = allocate(tensor.name, () => new Uint8Array(tensor.byteLength));
  await tensor.read(0, bytes);
  return tensor.type === "f32"
    ? new Float32Array(bytes.buffer)
    : allocate(tensor.name, () => unpackRows(tensor.type, bytes));
}

/** (rank, columns) to (columns, rank). */
function transposed(values: Float32Array, rank: number): Float32Array {
  const columns = values.length / rank;
  const out = allocate("the factors of an adapter", () => new Float32Array(values.length));
  for (let k = 0; k < rank; k++) for (let x = 0; x < columns; x++) out[x * rank + k] = values[k * columns + x]!;
  return out;
}

/** The tensor of the model with rows of the original, patched and rounded to the original's type, then to the model's. */
function patchedTensor(
  model: SourceTensor,
  original: SourceTensor,
  factors: { readonly rank: number; read(): Promise<Factors> },
  scaling: number,
  onEnd: () => void,
): SourceTensor {
  const { name, type, shape, byteLength } = model;
  const columns = shape.at(-1)!;
  const originalRowBytes = rowBytes(original.type, columns);
  const modelRowBytes = rowBytes(type, columns);
  const pieceValues = Math.min(PIECE_VALUES, PIECE_PRODUCTS / factors.rank);
  const pieceRows = Math.max(1, Math.floor(pieceValues / columns));
  let ended = false;

  /** The bytes of `n` rows in the model's type. */
  async function rows(first: number, n: number, pair: Factors): Promise<Uint8Array> {
    const bytes = allocate(name, () => new Uint8Array(n * originalRowBytes));
    await original.read(first * originalRowBytes, bytes);
    const values = unpackRows(original.type, bytes);
    for (let i = 0; i < n; i++) addProduct(values.subarray(i * columns, (i + 1) * columns), pair, first + i, scaling);
    const rounded = packRows(original.type, values, bytes);
    return original.type === type ? rounded : packRows(type, unpackRows(original.type, rounded));
  }

  // no `location`: the file does not hold these bytes
  return {
    name,
    type,
    shape,
    byteLength,
    async read(offset, target) {
      assertSpan(offset, target.byteLength, byteLength);
      const pair = await factors.read();
      const end = offset + target.byteLength;
      for (let row = Math.floor(offset / modelRowBytes); row * modelRowBytes < end; row += pieceRows) {
        const n = Math.min(pieceRows, Math.ceil(end / modelRowBytes) - row);
        const start = row * modelRowBytes;
        // the first and the last row may be wanted in part
        const piece = (await rows(row, n, pair)).subarray(Math.max(0, offset - start), end - start);
        target.set(piece, Math.max(0, start - offset));
        await turn();
      }
      if (end !== byteLength || ended) return;
      ended = true;
      onEnd();
    },
  };
}

/** w[x] = w[x] + scaling · (A[x] · B[y]). Products are rounded to f32 and summed in double, as in every dot product of f32 rows. */
function addProduct(
  w: Float32Array, // (columns)
  { rank, a, b }: Factors,
  y: number,
  scaling: number,
): void {
  const row = b.subarray(y * rank, (y + 1) * rank); // (rank)
  for (let x = 0; x < w.length; x++) {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += Math.fround(a[x * rank + k]! * row[k]!);
    w[x] = w[x]! + Math.fround(Math.fround(sum) * scaling);
  }
}

/** The tensor that a pair patches, and the one whose values it is added to. */
function checkedPair(
  { target, a, b, isTransposed = false }: LoraPair,
  source: TensorSource,
  base: TensorSource | undefined,
): [model: SourceTensor, original: SourceTensor] {
  const model = source.tensor(target);
  if (model === undefined) {
    const message = `unknown tensor '${a.name}' in lora adapter`;
    return fail("E_UNKNOWN_TENSOR", a.name, "a tensor of the model", target, message);
  }
  const packable = BLOCK_TYPES.filter((type) => blockInfo(type).canPack);
  assertType(model, packable, `tensor '${target}' of the model`);
  const columns = model.shape.at(-1)!;
  const rows = model.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const rank = a.shape[isTransposed ? 0 : 1]!;
  assertFactor(a, columns, isTransposed ? [rank, columns] : [columns, rank]);
  assertFactor(b, rows, [rows, rank]);
  if (base === undefined) return [model, model];

  const original = base.tensor(target);
  if (original === undefined) {
    return fail("E_MISSING_TENSOR", target, target, "no such tensor", `tensor '${target}' not found in base model`);
  }
  if (original.shape.join() !== model.shape.join()) {
    const [expected, got] = [model.shape.join(" x "), original.shape.join(" x ")];
    const message = `tensor '${target}' of the base model has wrong shape; expected ${expected}, got ${got}`;
    fail("E_SHAPE", target, expected, got, message);
  }
  assertType(original, ["f32", "f16"], `tensor '${target}' of the base model`);
  return [model, original];
}

/** @param length what `expected` has of the target */
function assertFactor(factor: SourceTensor, length: number, expected: readonly [number, number]): void {
  assertType(factor, FACTOR_TYPES, `'${factor.name}'`);
  const { name, type, shape, byteLength } = factor;
  if (shape.length !== 2 || shape.some((size, axis) => size !== expected[axis] || size < 1)) {
    const got = shape[expected.indexOf(length)];
    const message = `incompatible tensor dimensions (${length} and ${got}) of '${name}'; are you sure that this adapter is for this model?`;
    fail("E_SHAPE", name, expected.join(" x "), shape.join(" x "), message);
  }
  const bytes = expected[0] * rowBytes(type, expected[1]);
  if (byteLength !== bytes)
    fail("E_LENGTH", name, bytes, byteLength, `'${name}' has ${byteLength} bytes, expected ${bytes}`);
}

function assertType(tensor: SourceTensor, types: readonly string[], what: string): void {
  if (types.includes(tensor.type)) return;
  const expected = types.join(" or ");
  fail("E_TENSOR_TYPE", tensor.name, expected, tensor.type, `${what} is ${tensor.type}, expected ${expected}`);
}

function fail(code: string, field: string, expected: string | number, got: string | number, message: string): never {
  throw new ModelError({ code, field, expected, got, message });
}
