// The tensor entries, which stand together before all data. Data is never read here.
//
//   | length: u64 | name | n_dims: u32, 0 to 4 | ne: n_dims × u64, row length first | type: u32 | offset: u64, from the start of data |

import { type BoundedReader, FileTensor, printable } from "@ll/bytes";
import { MAX_DIMS, MAX_NAME_BYTES } from "./limits.ts";
import { readName } from "./metadata.ts";
import { exactTensorBytes, isWholeBlocks, removedTypeName, type TensorType, tensorTypeById } from "./tensor-type.ts";

/** An entry as it is declared. */
export interface TensorEntry {
  readonly name: string;
  readonly type: TensorType;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** From the start of data. */
  readonly relativeOffset: number;
  /** Where the entry declares the offset. */
  readonly offsetAt: number;
}

/** @throws GgufFormatError, naming the tensor where its name is known */
export async function readTensorEntries(reader: BoundedReader, nTensors: number): Promise<TensorEntry[]> {
  const entries: TensorEntry[] = [];
  const starts = new Map<string, number>();
  for (let index = 0; index < nTensors; index++) {
    reader.enter("tensors", index);
    const start = reader.offset;
    reader.budget.takeItems(1, "name", start);
    const name = await readName(reader, "name", MAX_NAME_BYTES);
    const first = starts.get(name);
    if (first !== undefined) {
      throw reader.error({
        code: "E_DUP",
        offset: start,
        field: "name",
        expected: "every name once",
        got: printable(name),
        message: `tensor '${name}' is in the file twice: its entries are at byte ${first} and at byte ${start}`,
      });
    }
    starts.set(name, start);
    entries.push(await readEntry(reader, name));
    reader.leave();
  }
  return entries;
}

async function readEntry(reader: BoundedReader, name: string): Promise<TensorEntry> {
  const nDimsAt = reader.offset;
  const nDims = await reader.u32("n_dims");
  if (nDims > MAX_DIMS) {
    throw reader.error({
      code: "E_RANGE",
      offset: nDimsAt,
      field: "n_dims",
      expected: `0 to ${MAX_DIMS}`,
      got: nDims,
      message: `tensor '${name}' has ${nDims} dimensions`,
    });
  }
  const neAt = reader.offset;
  const ne: number[] = []; // (n_dims): row length first
  for (let dim = 0; dim < nDims; dim++) ne.push(await reader.u64(`ne[${dim}]`));
  const type = await readTensorType(reader, name);
  const shape = ne.toReversed();
  const byteLength = dataBytes(reader, { name, type, shape, neAt });
  const offsetAt = reader.offset;
  const relativeOffset = await reader.u64("offset");
  return { name, type, shape, byteLength, relativeOffset, offsetAt };
}

async function readTensorType(reader: BoundedReader, name: string): Promise<TensorType> {
  const offset = reader.offset;
  const id = await reader.u32("type");
  const type = tensorTypeById(id);
  if (type !== undefined) return type;
  const removed = removedTypeName(id);
  throw reader.error({
    code: "E_DTYPE",
    offset,
    field: "type",
    expected: "a tensor type of ggml",
    got: removed === undefined ? id : `${id} (${removed})`,
    message:
      removed === undefined
        ? `tensor '${name}' has the unknown type ${id}`
        : `tensor '${name}' has the type ${removed}, which was removed from the format`,
    hint: removed === undefined ? undefined : "make the file again from the original model",
  });
}

/** Size of the data in bytes, exact. */
function dataBytes(
  reader: BoundedReader,
  { name, type, shape, neAt }: { name: string; type: TensorType; shape: readonly number[]; neAt: number },
): number {
  const shown = shape.toReversed().join(" x ");
  if (!isWholeBlocks(type.blockValues, shape)) {
    throw reader.error({
      code: "E_BLOCK",
      offset: neAt,
      field: "ne",
      expected: `rows of a multiple of ${type.blockValues}`,
      got: shown,
      message: `rows of ${shape.at(-1) ?? 1} values in tensor '${name}' are no whole ${type.name} blocks of ${type.blockValues}`,
    });
  }
  const bytes = exactTensorBytes(type.blockValues, type.blockBytes, shape);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw reader.error({
      code: "E_OVERFLOW",
      offset: neAt,
      field: "ne",
      expected: "less than 2^53 bytes",
      got: bytes.toString(),
      message: `tensor '${name}' of ${shown} values would have ${bytes} bytes`,
    });
  }
  return Number(bytes);
}

/**
 * The tensors in their places. As in llama.cpp, each begins where the one before ends, rounded up to the alignment.
 * @param dataStart first byte of the data section
 * @returns also one past the last byte of the last tensor
 * @throws GgufFormatError `E_OFFSET`, `E_OVERFLOW`; `E_TRUNC` if the data is not all there
 */
export function placeTensors(
  reader: BoundedReader,
  entries: readonly TensorEntry[],
  dataStart: number,
  alignment: number,
): { tensors: Map<string, FileTensor>; dataEnd: number } {
  const tensors = new Map<string, FileTensor>();
  let dataEnd = dataStart;
  for (const [index, entry] of entries.entries()) {
    const { name, byteLength, relativeOffset, offsetAt } = entry;
    reader.enter("tensors", index);
    const expected = alignUp(dataEnd - dataStart, alignment);
    if (relativeOffset !== expected) {
      throw reader.error({
        code: "E_OFFSET",
        offset: offsetAt,
        field: "offset",
        expected,
        got: relativeOffset,
        message: `tensor '${name}' begins at byte ${relativeOffset} of the data, where ${expected} was expected`,
      });
    }
    const dataOffset = dataStart + relativeOffset;
    if (byteLength > reader.end - dataOffset) {
      // even where the tensor begins after the end of the file, its data is what is missing
      const have = Math.max(0, reader.end - dataOffset);
      throw reader.error({
        code: "E_TRUNC",
        offset: dataOffset,
        field: "data",
        expected: `${byteLength} bytes`,
        got: `${have} bytes`,
        message: `file ends too early: ${byteLength} bytes needed for tensor '${name}', ${have} left`,
      });
    }
    dataEnd = dataOffset + byteLength;
    tensors.set(name, tensorAt(reader, entry, dataStart));
    reader.leave();
  }
  return { tensors, dataEnd };
}

/** The tensor where its entry says that it is. */
export function tensorAt(reader: BoundedReader, entry: TensorEntry, dataStart: number): FileTensor {
  const { name, type, shape, byteLength, relativeOffset } = entry;
  const dataOffset = dataStart + relativeOffset;
  return new FileTensor(reader.source, { name, type: type.name, shape, byteLength, dataOffset });
}

/** The next multiple of `alignment`, by arithmetic that is exact beyond 2^32. */
export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
