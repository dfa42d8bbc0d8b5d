// The tensor records, one after the other until the end of the file. Data is stepped over, never read.
//
//   | n_dims: u32, 1 or 2 | name length: u32 | type: u32 | ne: n_dims × u32, row length first | name | padding | data |

import { type BoundedReader, FileTensor, printable } from "@ll/bytes";
import type { Container } from "./container.ts";
import { changedBlocks } from "./ftype.ts";
import { MAX_NAME_BYTES, MAX_TENSORS } from "./limits.ts";
import {
  exactTensorBytes,
  isWholeBlocks,
  oldTensorTypeById,
  otherTypeName,
  type TensorType,
  tensorTypeById,
} from "./tensor-type.ts";

export interface TensorDirectory {
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** The first tensor with padding that is not zero, where it stands, and how many more there are. */
  readonly padding: { readonly name: string; readonly offset: number; readonly nOthers: number } | undefined;
}

interface Dimensions {
  readonly nDims: number;
  readonly nameBytes: number;
  readonly typeId: number;
  /** As in the file: row length, then number of rows. */
  readonly ne: readonly number[];
  readonly neOffset: number;
}

const nameDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads all records from the reader's offset on.
 * @param oldBlocks types 2 and 3 of files before ggjt v2 open as q4_0_v1 and q4_1_v1 instead of being refused.
 * @throws GgmlFormatError, naming the tensor where its name is known
 */
export async function readTensorDirectory(
  reader: BoundedReader,
  container: Container,
  oldBlocks: boolean,
): Promise<TensorDirectory> {
  const tensors = new Map<string, FileTensor>();
  let padding: { name: string; offset: number; nOthers: number } | undefined;
  for (let index = 0; reader.remaining > 0; index++) {
    reader.enter("tensors", index);
    if (index === MAX_TENSORS) {
      throw reader.error({
        code: "E_LIMIT",
        field: "n_dims",
        expected: `at most ${MAX_TENSORS} tensors`,
        got: `more than ${MAX_TENSORS}`,
        message: `more than ${MAX_TENSORS} tensors`,
      });
    }
    reader.budget.takeItems(1, "tensors", reader.offset);
    const { tensor, paddingOffset } = await readRecord(reader, container, oldBlocks, tensors);
    tensors.set(tensor.name, tensor);
    if (paddingOffset !== undefined) {
      if (padding === undefined) padding = { name: tensor.name, offset: paddingOffset, nOthers: 0 };
      else padding.nOthers++;
    }
    reader.leave();
  }
  return { tensors, padding };
}

async function readRecord(
  reader: BoundedReader,
  container: Container,
  oldBlocks: boolean,
  earlier: ReadonlyMap<string, FileTensor>,
): Promise<{ tensor: FileTensor; paddingOffset: number | undefined }> {
  const recordOffset = reader.offset;
  const dimensions = await readDimensions(reader);
  const name = await readName(reader, dimensions.nameBytes);
  const type = resolveType(reader, container, oldBlocks, dimensions.typeId, name, recordOffset);
  const byteLength = dataBytes(reader, dimensions, type, name);
  const first = earlier.get(name);
  if (first !== undefined) {
    throw reader.error({
      code: "E_DUP",
      offset: recordOffset,
      field: "name",
      expected: "every name once",
      got: printable(name),
      message: `tensor '${name}' is in the file twice: its first data is at byte ${first.dataOffset}, its second record at byte ${recordOffset}`,
    });
  }
  const paddingOffset = await skipPadding(reader, container.alignment);
  const dataOffset = reader.offset;
  reader.seek(dataOffset + byteLength, "data");
  const shape = [...dimensions.ne].reverse();
  const tensor = new FileTensor(reader.source, { name, type: type.name, shape, byteLength, dataOffset });
  return { tensor, paddingOffset };
}

async function readDimensions(reader: BoundedReader): Promise<Dimensions> {
  await assertRecordStart(reader);
  const nDimsOffset = reader.offset;
  const nDims = await reader.u32("n_dims");
  const nameBytes = await reader.u32("name_len");
  const typeId = await reader.u32("type");
  if (nDims === 0 && nameBytes === 0 && typeId === 0) throw trailing(reader, nDimsOffset, "zeros");
  if (nDims !== 1 && nDims !== 2) {
    throw reader.error({
      code: "E_RANGE",
      offset: nDimsOffset,
      field: "n_dims",
      expected: "1 or 2",
      got: nDims,
      message: `a tensor should not be ${nDims}-dimensional`,
    });
  }
  if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES) {
    throw reader.error({
      code: "E_LENGTH",
      offset: nDimsOffset + 4,
      field: "name_len",
      expected: `1 to ${MAX_NAME_BYTES}`,
      got: nameBytes,
      message: `tensor name of ${nameBytes} bytes`,
    });
  }
  if (tensorTypeById(typeId) === undefined) {
    const known = otherTypeName(typeId);
    throw reader.error({
      code: "E_DTYPE",
      offset: nDimsOffset + 8,
      field: "type",
      expected: "0 to 3, 6 to 8 or 10 to 14",
      got: known === undefined ? typeId : `${typeId} (${known})`,
      message: `unrecognized tensor type ${typeId}`, // the words of build 803
    });
  }
  const neOffset = reader.offset;
  const ne: number[] = [];
  for (let dim = 0; dim < nDims; dim++) ne.push(await reader.u32(`ne[${dim}]`));
  return { nDims, nameBytes, typeId, ne, neOffset };
}

/**
 * The shortest record has more than 12 bytes. Fewer are the beginning of one that was cut off, or no record at all.
 * @throws GgmlFormatError `E_TRUNC` if what is there could begin a record, else `E_TRAILING`
 */
async function assertRecordStart(reader: BoundedReader): Promise<void> {
  const { offset, remaining } = reader;
  if (remaining >= 12) return;
  const start = new Uint8Array(4);
  await reader.source.read(offset, start.subarray(0, Math.min(4, remaining)));
  const nDims = new DataView(start.buffer).getUint32(0, true);
  if (nDims !== 1 && nDims !== 2) throw trailing(reader, offset, `${remaining} bytes`);
  reader.assertLength(12, "n_dims");
}

function trailing(reader: BoundedReader, offset: number, what: string): Error {
  return reader.error({
    code: "E_TRAILING",
    offset,
    field: "n_dims",
    expected: "a tensor record or the end of the file",
    got: what,
    message: `${what} after the last tensor`,
  });
}

async function readName(reader: BoundedReader, nameBytes: number): Promise<string> {
  const offset = reader.offset;
  const bytes = await reader.bytes(nameBytes, "name");
  let name: string | undefined;
  try {
    name = nameDecoder.decode(bytes);
  } catch {
    // not UTF-8
  }
  if (name !== undefined && printable(name, 8 * MAX_NAME_BYTES) === name) return name;
  const shown = name ?? String.fromCharCode(...bytes);
  throw reader.error({
    code: "E_NAME",
    offset,
    field: "name",
    expected: "printable UTF-8",
    got: printable(shown),
    message: `tensor name '${shown}' is not printable UTF-8`,
  });
}

function resolveType(
  reader: BoundedReader,
  container: Container,
  oldBlocks: boolean,
  typeId: number,
  name: string,
  recordOffset: number,
): TensorType {
  const type = tensorTypeById(typeId) as TensorType;
  const change = type.quantized ? changedBlocks(container, typeId) : undefined;
  if (change === undefined) return type;
  const oldType = container.version < 2 ? oldTensorTypeById(typeId) : undefined;
  if (oldType !== undefined && oldBlocks) return oldType;
  throw reader.error({
    code: "E_VERSION",
    offset: recordOffset + 8,
    field: "type",
    expected: "f32, f16 or a block layout that has not changed since",
    got: `${type.name} of ${container.name}`,
    message: `tensor '${name}' is ${type.name} in an old block layout (see ${change})`,
    hint: "make the file again from the f16 model",
  });
}

/** Size of the data in bytes, exact. */
function dataBytes(reader: BoundedReader, { ne, neOffset }: Dimensions, type: TensorType, name: string): number {
  const at = { offset: neOffset, field: "ne" };
  const shown = ne.join(" x ");
  if (ne.includes(0)) {
    throw reader.error({
      ...at,
      code: "E_RANGE",
      expected: "sizes from 1",
      got: shown,
      message: `tensor '${name}' has no elements: ${shown}`,
    });
  }
  if (!isWholeBlocks(type, ne[0] as number)) {
    throw reader.error({
      ...at,
      code: "E_BLOCK",
      expected: `rows of a multiple of ${type.blockValues}`,
      got: shown,
      message: `rows of ${ne[0]} values in tensor '${name}' are no whole ${type.name} blocks of ${type.blockValues}`,
    });
  }
  const bytes = exactTensorBytes(type, [...ne].reverse());
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw reader.error({
      ...at,
      code: "E_OVERFLOW",
      expected: "less than 2^53 bytes",
      got: bytes.toString(),
      message: `tensor '${name}' of ${shown} values would have ${bytes} bytes`,
    });
  }
  return Number(bytes);
}

/** Steps to the next multiple of `alignment`; returns where a byte on the way is not zero. */
async function skipPadding(reader: BoundedReader, alignment: number): Promise<number | undefined> {
  const start = reader.offset;
  const length = (alignment - (start % alignment)) % alignment;
  const nonZero = (await reader.bytes(length, "padding")).findIndex((byte) => byte !== 0);
  return nonZero < 0 ? undefined : start + nonZero;
}
