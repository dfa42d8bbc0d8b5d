// Tensors of Hugging Face's files as GGUF files have them, made while they are read: rows and columns in another order, numbers
// changed, blocks put together.

import type { HfChange, HfOrder } from "@ll/architectures";
import { allocate, decodeF16, encodeF16, type SourceTensor } from "@ll/bytes";
import { asType, concatRows, unitTensor } from "@ll/checkpoint";
import { ConvertError } from "./errors.ts";
import { product } from "./shapes.ts";

/** Bytes of a value of the types that are read as they are. */
const VALUE_BYTES: Readonly<Record<string, number>> = { f32: 4, f16: 2, bf16: 2, u8: 1 };

/** Most bytes that are read in vain so that rows in another order come in one read. */
const EXTRA_BYTES: number = 4 * 1024 * 1024;

/** Most bytes of a matrix that is turned on its side, which is held. gpt-oss has 33 MB. */
const MAX_TURNED_BYTES: number = 256 * 1024 * 1024;

/** The tensor as `change` has it: of type f16 where it was so, f32 or bf16. @throws ConvertError `E_SHAPE`, `E_DTYPE`, `E_LIMIT` */
export function changedTensor(stored: SourceTensor, name: string, change: HfChange): SourceTensor {
  const { rows, columns, value, isFlat = false, isTransposed = false } = change;
  const flat = isFlat ? withoutMiddleOne(stored) : stored;
  const floats = asFloats(value !== undefined && flat.type === "bf16" ? asType(flat, "f32") : flat);
  const source = isTransposed ? turned(floats) : floats;
  if (rows === undefined && columns === undefined && value === undefined) return { ...source, name };
  const isVector = source.shape.length === 1;
  const [nRows = 1, nColumns = 1] = isVector ? source.shape : source.shape.slice(-2);
  const rowOrder = orderOf(source, rows, nRows);
  const columnOrder = columns === undefined ? undefined : orderOf(source, columns, nColumns);
  const valueBytes = VALUE_BYTES[source.type] as number;
  const rowBytes = nColumns * valueBytes;
  const newColumns = columnOrder?.n ?? nColumns;
  const unitBytes = newColumns * valueBytes;
  const readRows = rowReader(source, nRows, rowBytes, rowOrder);
  const shape = isVector ? [rowOrder.n] : [...source.shape.slice(0, -2), rowOrder.n, newColumns];
  return unitTensor({
    name,
    type: source.type,
    shape,
    byteLength: product(shape) * valueBytes,
    unitBytes,
    async produce(firstRow, n, target) {
      if (columnOrder === undefined) await readRows(firstRow, n, target);
      else {
        const whole = allocate(name, () => new Uint8Array(n * rowBytes));
        await readRows(firstRow, n, whole);
        takeColumns(whole, nColumns, columnOrder, valueBytes, target);
      }
      if (value !== undefined) changeValues(source.type, target, value);
    },
  });
}

/** Exponents and nibbles as ggml's blocks of 32 values: (…, rows, columns / 32) bytes and (…, rows, columns / 32, 16). @throws ConvertError `E_SHAPE` */
export function mxfp4Blocks(
  name: string,
  nibbles: SourceTensor,
  exponents: SourceTensor,
  rows: HfChange["rows"],
): SourceTensor {
  const [nRows = 1, nBlocks = 1] = exponents.shape.slice(-2);
  const expected = [...exponents.shape, 16].join();
  const areBytes = nibbles.type === "u8" && exponents.type === "u8";
  if (!areBytes || exponents.shape.length < 3 || nibbles.shape.join() !== expected)
    throw shapeError(nibbles, `U8 of ${expected}`);
  const order = orderOf(exponents, rows, nRows);
  const readNibbles = rowReader(nibbles, nRows, nBlocks * 16, order);
  const readExponents = rowReader(exponents, nRows, nBlocks, order);
  const shape = [...exponents.shape.slice(0, -2), order.n, nBlocks * 32];
  const unitBytes = nBlocks * 17;
  return unitTensor({
    name,
    type: "mxfp4",
    shape,
    byteLength: product(shape.slice(0, -1)) * unitBytes,
    unitBytes,
    async produce(firstRow, n, target) {
      const pairs = allocate(name, () => new Uint8Array(n * nBlocks * 16));
      const scales = new Uint8Array(n * nBlocks);
      await readNibbles(firstRow, n, pairs);
      await readExponents(firstRow, n, scales);
      for (let block = 0; block < n * nBlocks; block++) {
        const at = block * 17;
        target[at] = scales[block] as number;
        // stored: values 2m and 2m + 1 in byte m; ggml: j and j + 16 in byte j
        for (let j = 0; j < 16; j++) {
          const shift = 4 * (j % 2);
          const low = ((pairs[block * 16 + (j >> 1)] as number) >> shift) & 15;
          const high = ((pairs[block * 16 + 8 + (j >> 1)] as number) >> shift) & 15;
          target[at + 1 + j] = low | (high << 4);
        }
      }
    },
  });
}

/** The matrices of all experts as one tensor: (experts, rows, columns). @throws ConvertError `E_SHAPE` unless they are alike */
export function stackedExperts(name: string, experts: readonly SourceTensor[]): SourceTensor {
  const [first] = experts as [SourceTensor];
  const other = experts.find(({ type, shape }) => type !== first.type || shape.join() !== first.shape.join());
  if (other !== undefined) throw shapeError(other, `${first.type} of ${first.shape.join(" x ")}, as another expert`);
  return { ...concatRows(name, experts), shape: [experts.length, ...first.shape] };
}

function orderOf(source: SourceTensor, wanted: HfChange["rows"], n: number): HfOrder {
  const order = wanted === undefined ? { n, from: (row: number) => row } : wanted(n);
  if (order === undefined) throw shapeError(source, "sizes that config.json gives");
  return order;
}

/** Reads rows of the new tensor, counted over all matrices; neighbours in few reads. */
function rowReader(
  source: SourceTensor,
  nRows: number,
  rowBytes: number,
  order: HfOrder,
): (firstRow: number, n: number, target: Uint8Array) => Promise<void> {
  return async (firstRow, n, target) => {
    for (let done = 0; done < n; ) {
      const row = firstRow + done;
      const matrix = Math.floor(row / order.n);
      const inMatrix = row - matrix * order.n;
      const count = Math.min(n - done, order.n - inMatrix);
      const rows = Array.from({ length: count }, (_, i) => order.from(inMatrix + i));
      const part = target.subarray(done * rowBytes, (done + count) * rowBytes);
      await readThese(source, matrix * nRows, rows, rowBytes, part);
      done += count;
    }
  };
}

async function readThese(
  source: SourceTensor,
  first: number,
  rows: readonly number[],
  rowBytes: number,
  target: Uint8Array,
): Promise<void> {
  const lowest = rows.reduce((a, b) => Math.min(a, b));
  const nSpanned = rows.reduce((a, b) => Math.max(a, b)) - lowest + 1;
  const isInOrder = nSpanned === rows.length && rows.every((row, i) => row === lowest + i);
  if (isInOrder) return source.read((first + lowest) * rowBytes, target);
  if (nSpanned * rowBytes <= 2 * target.length + EXTRA_BYTES) {
    const span = allocate(source.name, () => new Uint8Array(nSpanned * rowBytes));
    await source.read((first + lowest) * rowBytes, span);
    for (const [i, row] of rows.entries()) {
      const from = (row - lowest) * rowBytes;
      target.set(span.subarray(from, from + rowBytes), i * rowBytes);
    }
    return;
  }
  for (let i = 0; i < rows.length; ) {
    let end = i + 1;
    while (end < rows.length && rows[end] === (rows[end - 1] as number) + 1) end++;
    await source.read((first + (rows[i] as number)) * rowBytes, target.subarray(i * rowBytes, end * rowBytes));
    i = end;
  }
}

function takeColumns(
  rows: Uint8Array,
  nColumns: number,
  { n, from }: HfOrder,
  valueBytes: number,
  target: Uint8Array,
): void {
  const places = Array.from({ length: n }, (_, column) => from(column) * valueBytes);
  let at = 0;
  for (let row = 0; row < rows.length; row += nColumns * valueBytes) {
    for (const place of places) {
      for (let i = 0; i < valueBytes; i++) target[at++] = rows[row + place + i] as number;
    }
  }
}

function changeValues(type: string, bytes: Uint8Array, change: (x: number) => number): void {
  const copy = bytes.slice().buffer; // aligned
  const values =
    type === "f16" ? decodeF16(new Uint16Array(copy), new Float32Array(bytes.length / 2)) : new Float32Array(copy);
  for (let i = 0; i < values.length; i++) values[i] = change(values[i] as number);
  const changed = type === "f16" ? encodeF16(values, new Uint16Array(values.length)) : values;
  bytes.set(new Uint8Array(changed.buffer, changed.byteOffset, bytes.length));
}

/** Rows become columns, in each matrix. One matrix is held. */
function turned(source: SourceTensor): SourceTensor {
  const [nRows = 1, nColumns = 1] = source.shape.slice(-2);
  const valueBytes = VALUE_BYTES[source.type] as number;
  const matrixBytes = nRows * nColumns * valueBytes;
  if (source.shape.length < 2) throw shapeError(source, "a matrix");
  if (matrixBytes > MAX_TURNED_BYTES) {
    throw new ConvertError({
      code: "E_LIMIT",
      field: source.name,
      expected: `at most ${MAX_TURNED_BYTES} bytes of a matrix`,
      got: matrixBytes,
      message: `matrices of '${source.name}' are too large to be turned on their sides`,
    });
  }
  let held: { readonly matrix: number; readonly bytes: Promise<Uint8Array> } | undefined;
  const matrixAt = (matrix: number): Promise<Uint8Array> => {
    if (held?.matrix !== matrix) {
      const bytes = allocate(source.name, () => new Uint8Array(matrixBytes));
      held = { matrix, bytes: source.read(matrix * matrixBytes, bytes).then(() => bytes) };
    }
    return held.bytes;
  };
  return unitTensor({
    name: source.name,
    type: source.type,
    shape: [...source.shape.slice(0, -2), nColumns, nRows],
    byteLength: source.byteLength,
    unitBytes: nRows * valueBytes,
    async produce(firstRow, n, target) {
      let at = 0;
      for (let row = firstRow; row < firstRow + n; row++) {
        const bytes = await matrixAt(Math.floor(row / nColumns));
        const column = (row % nColumns) * valueBytes;
        for (let r = 0; r < nRows; r++) {
          for (let i = 0; i < valueBytes; i++) target[at++] = bytes[r * nColumns * valueBytes + column + i] as number;
        }
      }
    },
  });
}

function asFloats(tensor: SourceTensor): SourceTensor {
  if (tensor.type === "f32" || tensor.type === "f16" || tensor.type === "bf16") return tensor;
  try {
    return asType(tensor, "f32");
  } catch (cause) {
    throw new ConvertError({
      code: "E_DTYPE",
      field: tensor.name,
      expected: "floating-point or small integer values",
      got: tensor.type,
      message: `tensor '${tensor.name}' of type ${tensor.type} cannot be converted`,
      cause,
    });
  }
}

function withoutMiddleOne(tensor: SourceTensor): SourceTensor {
  const { shape } = tensor;
  if (shape.length !== 3 || shape[1] !== 1) throw shapeError(tensor, "n x 1 x m");
  return { ...tensor, shape: [shape[0] as number, shape[2] as number] };
}

function shapeError({ name, shape }: SourceTensor, expected: string): ConvertError {
  const got = shape.join(" x ");
  const message = `tensor '${name}' has wrong shape; expected ${expected}, got ${got}`;
  return new ConvertError({ code: "E_SHAPE", field: name, expected, got, message });
}
