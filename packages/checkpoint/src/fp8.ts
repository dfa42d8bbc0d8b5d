// Weights of 8 bits with a scale for each block of rows and columns, as DeepSeek, Qwen and Mistral publish them: read as binary32.

import { allocate, type SourceTensor } from "@ll/bytes";
import { asType } from "./cast.ts";
import { CheckpointError } from "./errors.ts";
import { unitTensor } from "./unit-tensor.ts";

/** Value of every byte: 4 bits of exponent, bias 7, and 3 of fraction; no infinity, and NaN for 0x7f and 0xff (arXiv:2209.05433). */
const E4M3: Float32Array = /* @__PURE__ */ Float32Array.from({ length: 256 }, (_, byte) => {
  const sign = byte < 128 ? 1 : -1;
  const [exponent, fraction] = [(byte >> 3) & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return Number.NaN;
  return exponent === 0 ? (sign * fraction) / 512 : sign * (1 + fraction / 8) * 2 ** (exponent - 7);
});

/** Most numbers of scales that are held: those of a matrix of 4,000 million values. */
const MAX_SCALES = 2 ** 18;

/**
 * `weight` · `scale`, in binary32.
 * @param weight (rows, columns) of type f8_e4m3, or one such matrix for each expert
 * @param scale one number, or one for each block of `blockRows` rows and `blockColumns` columns; those at the edges may be smaller
 * @throws CheckpointError `E_SHAPE`, `E_LIMIT`
 */
export function scaledFp8(
  weight: SourceTensor,
  scale: SourceTensor,
  blockRows: number,
  blockColumns: number,
  file: string,
): SourceTensor {
  const { name, shape, byteLength } = weight;
  const [nRows = 1, nColumns = 1] = shape.slice(-2);
  const nMatrices = shape.slice(0, -2).reduce((product, n) => product * n, 1);
  const isOne = scale.shape.every((n) => n === 1);
  const [scaleRows, scaleColumns] = isOne ? [1, 1] : [Math.ceil(nRows / blockRows), Math.ceil(nColumns / blockColumns)];
  const nScales = scale.shape.reduce((product, n) => product * n, 1);
  const expected = isOne ? 1 : nMatrices * scaleRows * scaleColumns;
  const refuse = (code: string, wanted: string, got: string): never => {
    const message = `scales of '${name}': expected ${wanted}, got ${got}`;
    throw new CheckpointError({ code, file, offset: 0, field: scale.name, expected: wanted, got, message });
  };
  if (shape.length < 2 || nScales !== expected) refuse("E_SHAPE", `${expected} numbers`, scale.shape.join(" x "));
  if (nScales > MAX_SCALES) refuse("E_LIMIT", `at most ${MAX_SCALES}`, String(nScales));
  let scales: Promise<Float32Array> | undefined;
  const readScales = async (): Promise<Float32Array> => {
    const values = new Float32Array(nScales); // (nMatrices, scaleRows, scaleColumns)
    await asType(scale, "f32").read(0, new Uint8Array(values.buffer));
    return values;
  };
  return unitTensor({
    name,
    type: "f32",
    shape,
    byteLength: 4 * byteLength,
    unitBytes: 4 * nColumns,
    async produce(firstRow, n, target) {
      scales ??= readScales();
      const factors = await scales;
      const bytes = allocate(name, () => new Uint8Array(n * nColumns));
      await weight.read(firstRow * nColumns, bytes);
      const values = new Float32Array(bytes.length); // (n, nColumns)
      for (let r = 0; r < n; r++) {
        const row = firstRow + r;
        const matrix = Math.floor(row / nRows);
        const first = isOne ? 0 : (matrix * scaleRows + Math.floor((row % nRows) / blockRows)) * scaleColumns;
        for (let column = 0; column < nColumns; column++) {
          const factor = factors[isOne ? 0 : first + Math.floor(column / blockColumns)] as number;
          const at = r * nColumns + column;
          values[at] = (E4M3[bytes[at] as number] as number) * factor;
        }
      }
      target.set(new Uint8Array(values.buffer));
    },
  });
}
