// 4-bit matrices of GPTQ-for-LLaMa, read as f32 row by row. X.weight comes from
//   X.qweight  (inputs / 8, outputs) i32: eight inputs per word, the lowest nibble first
//   X.scales   (groups, outputs), or (outputs, 1) in files of the first versions
//   X.zeros    like scales, f32; or X.qzeros (groups, outputs / 8) i32: eight outputs per word
//   X.g_idx    (inputs) i32: the group of each input; inputs / groups in a row belong together without it
// value = scale · q − zero, with zero = scale · qzero + scale, each operation rounded to binary32 (convert.py of build 803).
// In the second version of the format ("gptq_v2"), which that program does not know, zero = scale · qzero.

import type { SourceTensor } from "@ll/bytes";
import { asType } from "./cast.ts";
import { CheckpointError } from "./errors.ts";
import { ROW_BYTES } from "./limits.ts";
import { GPTQ_V1, type GptqLayout } from "./quantization-config.ts";
import { transposed } from "./strided-tensor.ts";
import { unitTensor } from "./unit-tensor.ts";

type Tensors = ReadonlyMap<string, SourceTensor>;

/** Values in a 32-bit word, the first in the lowest four bits. */
const WORD_VALUES = 8;

/** The same tensors, with every quantised matrix replaced by an f32 view. @throws `E_SHAPE`, `E_RANGE`, … */
export async function dequantizeGptq(stored: Tensors, file: string, layout: GptqLayout = GPTQ_V1): Promise<Tensors> {
  const bases = [...stored.keys()].filter((name) => name.endsWith(".qweight")).map((name) => name.slice(0, -8));
  if (bases.length === 0) return stored;
  const weights = new Map(stored);
  for (const base of bases) {
    for (const part of ["qweight", "scales", "zeros", "qzeros", "g_idx", "bias"]) weights.delete(`${base}.${part}`);
    weights.set(`${base}.weight`, await openMatrix(stored, base, file, layout));
  }
  return weights;
}

/** One matrix, its parts checked against each other. What is read here is small: the groups of the inputs and the bias. */
async function openMatrix(
  stored: Tensors,
  base: string,
  file: string,
  { zeroOffset, needsIndex }: GptqLayout,
): Promise<SourceTensor> {
  const need = (part: string): SourceTensor => {
    const tensor = stored.get(`${base}.${part}`);
    if (tensor !== undefined) return tensor;
    throw gptqError("E_MISSING_TENSOR", file, `${base}.${part}`, "a tensor", "none");
  };
  const qweight = need("qweight");
  assertMatrix(file, qweight, "i32");
  const [nWords, nOutputs] = qweight.shape as [number, number];
  const nInputs = nWords * WORD_VALUES;
  if (nInputs * 4 > ROW_BYTES)
    throw gptqError("E_LIMIT", file, qweight.name, `at most ${ROW_BYTES / 4} inputs`, nInputs);

  // AWQ has the same names, but eight outputs per word
  if (need("scales").shape[1] === nOutputs * WORD_VALUES) {
    throw gptqError("E_UNSUPPORTED", file, qweight.name, "a layout of GPTQ", "that of AWQ");
  }
  const scales = byOutput(need("scales"), nOutputs, file); // (outputs, groups)
  const nGroups = scales.shape[1] as number;
  const zeros = stored.get(`${base}.zeros`);
  const zeroRows =
    zeros === undefined
      ? qzeroRows(need("qzeros"), nOutputs, nGroups, zeroOffset, file)
      : zeroRowsOf(byOutput(zeros, nOutputs, file), nGroups, file);
  const groupIndex = needsIndex ? need("g_idx") : stored.get(`${base}.g_idx`);
  const groups =
    groupIndex === undefined
      ? equalGroups(file, qweight.name, nInputs, nGroups)
      : await readGroups(file, groupIndex, nInputs, nGroups);
  await assertZeroBias(file, stored.get(`${base}.bias`));

  const words = transposed(qweight); // (outputs, inputs / 8)
  return unitTensor({
    name: `${base}.weight`,
    type: "f32",
    shape: [nOutputs, nInputs],
    byteLength: nOutputs * nInputs * 4,
    unitBytes: nInputs * 4,
    async produce(firstRow, nRows, target) {
      const packed = new Int32Array(nRows * nWords); // (nRows, inputs / 8)
      await words.read(firstRow * nWords * 4, bytesOf(packed));
      const scale = new Float32Array(nRows * nGroups); // (nRows, groups)
      await scales.read(firstRow * nGroups * 4, bytesOf(scale));
      const zero = await zeroRows(firstRow, nRows, scale);
      const values = new Float32Array(nRows * nInputs); // (nRows, inputs)
      for (let r = 0; r < nRows; r++) {
        for (let i = 0; i < nInputs; i++) {
          const word = packed[r * nWords + Math.floor(i / WORD_VALUES)] as number;
          const q = (word >>> (4 * (i % WORD_VALUES))) & 15;
          const g = r * nGroups + (groups[i] as number);
          // the product is rounded before the difference is
          values[r * nInputs + i] = Math.fround((scale[g] as number) * q) - (zero[g] as number);
        }
      }
      target.set(bytesOf(values));
    },
  });
}

/** Zero points of some rows, (nRows, groups), given the scales of the same rows. */
type ZeroRows = (firstRow: number, nRows: number, scales: Float32Array) => Promise<Float32Array>;

/** Zero points that are stored as they are, (outputs, groups). */
function zeroRowsOf(zeros: SourceTensor, nGroups: number, file: string): ZeroRows {
  const got = zeros.shape[1] as number;
  if (got !== nGroups) throw gptqError("E_SHAPE", file, zeros.name, `${nGroups} groups`, got);
  return async (firstRow, nRows) => {
    const values = new Float32Array(nRows * nGroups);
    await zeros.read(firstRow * nGroups * 4, bytesOf(values));
    return values;
  };
}

/** Zero points of four bits: scale · (q + zeroOffset), in two rounded steps. */
function qzeroRows(qzeros: SourceTensor, nOutputs: number, nGroups: number, zeroOffset: 0 | 1, file: string): ZeroRows {
  assertMatrix(file, qzeros, "i32");
  const expected = [nGroups, nOutputs / WORD_VALUES].join(" x ");
  const got = qzeros.shape.join(" x ");
  if (got !== expected) throw gptqError("E_SHAPE", file, qzeros.name, expected, got);
  const words = transposed(qzeros); // (outputs / 8, groups)
  return async (firstRow, nRows, scales) => {
    const firstWord = Math.floor(firstRow / WORD_VALUES);
    const nWords = Math.ceil((firstRow + nRows) / WORD_VALUES) - firstWord;
    const packed = new Int32Array(nWords * nGroups); // (nWords, groups)
    await words.read(firstWord * nGroups * 4, bytesOf(packed));
    const values = new Float32Array(nRows * nGroups); // (nRows, groups)
    for (let r = 0; r < nRows; r++) {
      const row = firstRow + r;
      const word = (Math.floor(row / WORD_VALUES) - firstWord) * nGroups;
      for (let g = 0; g < nGroups; g++) {
        const q = ((packed[word + g] as number) >>> (4 * (row % WORD_VALUES))) & 15;
        const scale = scales[r * nGroups + g] as number;
        values[r * nGroups + g] = Math.fround(scale * q) + scale * zeroOffset;
      }
    }
    return values;
  };
}

/** Scales or zeros as f32 rows, one per output: stored by group, or by output if there is one group per row. */
function byOutput(tensor: SourceTensor, nOutputs: number, file: string): SourceTensor {
  assertMatrix(file, tensor, tensor.type);
  const isByOutput = tensor.shape[1] === 1;
  const rows = isByOutput ? tensor : transposed(tensor);
  if (rows.shape[0] !== nOutputs) {
    throw gptqError("E_SHAPE", file, tensor.name, `${nOutputs} outputs`, tensor.shape.join(" x "));
  }
  assertFloats(file, tensor);
  return asType(rows, "f32");
}

/** (inputs): group of each input where groups are neighbours. */
function equalGroups(file: string, name: string, nInputs: number, nGroups: number): Int32Array {
  if (nInputs % nGroups !== 0) throw gptqError("E_SHAPE", file, name, `inputs that divide by ${nGroups}`, nInputs);
  const groupSize = nInputs / nGroups;
  return Int32Array.from({ length: nInputs }, (_, i) => Math.floor(i / groupSize));
}

/** (inputs): group of each input as the file gives it, each a real one. */
async function readGroups(file: string, tensor: SourceTensor, nInputs: number, nGroups: number): Promise<Int32Array> {
  if (tensor.type !== "i32" || tensor.shape.join() !== `${nInputs}`) {
    throw gptqError("E_SHAPE", file, tensor.name, `${nInputs} of i32`, `${tensor.shape.join(" x ")} of ${tensor.type}`);
  }
  const groups = new Int32Array(nInputs);
  await tensor.read(0, bytesOf(groups));
  const outside = groups.find((group) => group < 0 || group >= nGroups);
  if (outside !== undefined) throw gptqError("E_RANGE", file, tensor.name, `0 to ${nGroups - 1}`, outside);
  return groups;
}

/** LLaMA has no bias; GPTQ writes one of zeros. */
async function assertZeroBias(file: string, bias: SourceTensor | undefined): Promise<void> {
  if (bias === undefined) return;
  if (bias.byteLength > ROW_BYTES)
    throw gptqError("E_LIMIT", file, bias.name, `at most ${ROW_BYTES} bytes`, bias.byteLength);
  assertFloats(file, bias);
  const values = asType(bias, "f32");
  const floats = new Float32Array(values.byteLength / 4);
  await values.read(0, bytesOf(floats));
  const other = floats.find((value) => value !== 0);
  if (other !== undefined) throw gptqError("E_UNSUPPORTED", file, bias.name, "zeros only", String(other));
}

function assertMatrix(file: string, tensor: SourceTensor, type: string): void {
  const [rows, columns] = tensor.shape;
  if (tensor.type === type && tensor.shape.length === 2 && rows && columns) return;
  const got = `${tensor.shape.join(" x ")} of ${tensor.type}`;
  throw gptqError("E_SHAPE", file, tensor.name, `rows x columns of ${type}`, got);
}

function assertFloats(file: string, tensor: SourceTensor): void {
  if (["f32", "f16", "bf16"].includes(tensor.type)) return;
  throw gptqError("E_DTYPE", file, tensor.name, "f32, f16 or bf16", tensor.type);
}

/** The same memory as bytes, to read into or copy from. */
function bytesOf(values: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function gptqError(code: string, file: string, field: string, expected: string, got: string | number): CheckpointError {
  const message = `quantised tensor "${field}": ${expected} expected, got ${got}`;
  return new CheckpointError({ code, file, offset: 0, field, expected, got, message });
}
