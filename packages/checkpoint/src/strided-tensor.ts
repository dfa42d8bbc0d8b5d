// A tensor laid out by strides inside a storage, as PyTorch views are: transposed, cut out, expanded.
// It is read in row-major order, in bounded memory, through windows over the storage.

import type { ByteSource, SourceTensor } from "@ll/bytes";
import { allocate } from "@ll/bytes";
import { countElements, elementBytes, spanTensor } from "./source-tensor.ts";
import { unitTensor } from "./unit-tensor.ts";

/** How a storage is read. Any numbers from 1 give the same elements. */
export interface WindowSizes {
  /** Most bytes fetched at once for a rectangle of elements. */
  readonly windowBytes: number;
  /** Bytes between two wanted runs that are read through rather than skipped: about what one more system call costs. */
  readonly gapBytes: number;
}

const DEFAULT_SIZES: WindowSizes = { windowBytes: 1024 * 1024, gapBytes: 16 * 1024 };

export interface StridedFields {
  readonly name: string;
  readonly type: string;
  /** Slowest dimension first. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, per dimension; 0 or more. */
  readonly strides: readonly number[];
  /** Index of the first element in the storage. */
  readonly elementIndex: number;
}

/** Elements along a dimension and the elements of storage from one to the next. */
interface Dimension {
  readonly size: number;
  readonly stride: number;
}

/** The caller has checked that every element lies inside `storage`. */
export function stridedTensor(
  fields: StridedFields,
  storage: Pick<ByteSource, "read">,
  sizes: WindowSizes = DEFAULT_SIZES,
): SourceTensor {
  const { name, type, shape, elementIndex } = fields;
  const bytes = elementBytes(type);
  const byteLength = (countElements(shape) ?? 0) * bytes;
  const dimensions = collapse(shape, fields.strides);
  const columns = dimensions.at(-1) ?? { size: 1, stride: 1 };
  const rows = dimensions.at(-2) ?? { size: 1, stride: 0 };
  // a tensor without elements may begin anywhere, also past the end of its storage
  if (byteLength === 0) return spanTensor(name, type, shape, storage, 0, 0);
  if (dimensions.length <= 1 && columns.stride === 1) {
    return spanTensor(name, type, shape, storage, elementIndex * bytes, byteLength);
  }
  const outer = dimensions.slice(0, -2);

  /** Storage index of the first element of a row, counted over all dimensions but the last. */
  function rowStart(rowIndex: number): number {
    let index = elementIndex + (rowIndex % rows.size) * rows.stride;
    let rest = Math.floor(rowIndex / rows.size);
    for (let d = outer.length - 1; d >= 0; d--) {
      const dimension = outer[d] as Dimension;
      index += (rest % dimension.size) * dimension.stride;
      rest = Math.floor(rest / dimension.size);
    }
    return index;
  }

  return unitTensor({
    name,
    type,
    shape,
    byteLength,
    unitBytes: bytes,
    pieceBytes: Number.POSITIVE_INFINITY, // the windows bound the memory; larger rectangles need fewer of them
    async produce(firstElement, nElements, target) {
      let done = 0;
      while (done < nElements) {
        const rowIndex = Math.floor((firstElement + done) / columns.size);
        const column = firstElement + done - rowIndex * columns.size;
        const left = nElements - done;
        const isPart = column > 0 || left < columns.size;
        // a rectangle: part of one row, or whole rows of one matrix
        const width = isPart ? Math.min(columns.size - column, left) : columns.size;
        const height = isPart ? 1 : Math.min(Math.floor(left / columns.size), rows.size - (rowIndex % rows.size));
        const start = rowStart(rowIndex) + column * columns.stride;
        const part = target.subarray(done * bytes, (done + width * height) * bytes);
        await gather(
          storage,
          sizes,
          bytes,
          start,
          { size: height, stride: rows.stride },
          { ...columns, size: width },
          part,
        );
        done += width * height;
      }
    },
  });
}

/** Drops dimensions of size 1 and joins neighbours that are contiguous, so that a contiguous tensor keeps one at most. */
function collapse(shape: readonly number[], strides: readonly number[]): Dimension[] {
  const dimensions: Dimension[] = [];
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d] as number;
    const stride = strides[d] as number;
    const previous = dimensions.at(-1);
    if (size === 1) continue;
    if (previous !== undefined && previous.stride === stride * size) {
      dimensions[dimensions.length - 1] = { size: previous.size * size, stride };
    } else {
      dimensions.push({ size, stride });
    }
  }
  return dimensions;
}

/** Fills `target`, (rows.size, columns.size) elements of `bytes` bytes, from the storage elements `start + r·stride + c·stride`. */
async function gather(
  storage: Pick<ByteSource, "read">,
  { windowBytes, gapBytes }: WindowSizes,
  bytes: number,
  start: number,
  rows: Dimension,
  columns: Dimension,
  target: Uint8Array,
): Promise<void> {
  // runs go along the dimension whose elements lie closer together; runs that lie close together share a window
  const isColumnRun = columns.stride <= rows.stride;
  const run = isColumnRun ? columns : rows;
  const across = isColumnRun ? rows : columns;
  const runStep = isColumnRun ? 1 : columns.size; // elements of the target from one to the next in a run
  const acrossStep = isColumnRun ? columns.size : 1;

  // as much of a run as fits in a window; elements with wide gaps between them are fetched one by one
  const isDense = (run.stride - 1) * bytes <= gapBytes;
  const fit = run.stride === 0 ? run.size : Math.floor(windowBytes / (run.stride * bytes));
  const runLength = isDense ? Math.min(run.size, Math.max(1, fit)) : 1;
  const runSpan = (runLength - 1) * run.stride + 1;
  // whole runs that lie close together share a window
  const sharesWindow = runLength === run.size && (across.stride - runSpan) * bytes <= gapBytes;
  const acrossFit = across.stride === 0 ? across.size : Math.floor(windowBytes / (across.stride * bytes));
  const acrossLength = sharesWindow ? Math.min(across.size, Math.max(1, acrossFit)) : 1;

  const windowSize = ((acrossLength - 1) * across.stride + runSpan) * bytes;
  const window = allocate("a tensor that is stored across", () => new Uint8Array(windowSize));
  for (let a = 0; a < across.size; a += acrossLength) {
    const nAcross = Math.min(acrossLength, across.size - a);
    for (let r = 0; r < run.size; r += runLength) {
      const nRun = Math.min(runLength, run.size - r);
      const span = (nAcross - 1) * across.stride + (nRun - 1) * run.stride + 1;
      const piece = window.subarray(0, span * bytes);
      await storage.read((start + a * across.stride + r * run.stride) * bytes, piece);
      for (let i = 0; i < nAcross; i++) {
        for (let j = 0; j < nRun; j++) {
          const from = (i * across.stride + j * run.stride) * bytes;
          const to = ((a + i) * acrossStep + (r + j) * runStep) * bytes;
          for (let b = 0; b < bytes; b++) target[to + b] = piece[from + b] as number;
        }
      }
    }
  }
}

/** The transpose of a matrix, (columns, rows), as a view. */
export function transposed(matrix: SourceTensor): SourceTensor {
  const [nRows, nColumns] = matrix.shape as [number, number];
  const shape = [nColumns, nRows];
  return stridedTensor(
    { name: matrix.name, type: matrix.type, shape, strides: [1, nColumns], elementIndex: 0 },
    matrix,
  );
}
