// The layouts of the WebAssembly kernels, byte by byte in plain TypeScript. asm/nibble-types.ts, q8_0.ts, k-layout.ts, k-sums.ts and
// float-types.ts draw them; asm/repack.ts, asm/repack-k.ts, asm/repack-k-sums.ts and asm/activations.ts must give exactly these bytes.

import {
  type ArithmeticName,
  blockInfo,
  f16ToF32,
  f32ToF16,
  packActivation,
  packRows,
  unpackRows,
} from "../../src/index.ts";
import { LANE_LAYOUTS, WASM_LAYOUTS } from "../../src/kernels/wasm-layouts.ts";

/** Rows in the layouts that the arithmetic `lanes` has to itself. */
export function laneRepackTwin(type: string, rows: Uint8Array, nRows: number, nBlocks: number): Uint8Array {
  const { blockBytes, blockValues } = blockInfo(type);
  if (blockValues === 1) return laneColumns(type, rows, nRows, nBlocks);
  const { columnBytes } = LANE_LAYOUTS.get(type)!;
  const groups = new Uint8Array(Math.ceil(nRows / 8) * nBlocks * columnBytes);
  for (let i = 0; i < nRows * nBlocks; i++) {
    const row = Math.floor(i / nBlocks);
    const start = (Math.floor(row / 8) * nBlocks + (i % nBlocks)) * columnBytes;
    const block = rows.subarray(i * blockBytes, (i + 1) * blockBytes);
    placeSums(type, block, groups.subarray(start, start + columnBytes), row % 8);
  }
  return groups;
}

/** Four rows for 8 columns after 8 columns, filled up with zeros, from `rows` (nRows, nValues) of f16, bf16 or f32. */
function laneColumns(type: string, rows: Uint8Array, nRows: number, nValues: number): Uint8Array {
  const { blockBytes } = blockInfo(type);
  const nColumns = 8 * Math.ceil(nValues / 8);
  const groups = new Uint8Array(8 * Math.ceil(nRows / 8) * nColumns * blockBytes);
  for (let row = 0; row < nRows; row++) {
    for (let i = 0; i < nValues; i++) {
      const place = Math.floor(row / 4) * 4 * nColumns + Math.floor(i / 8) * 32 + (row % 4) * 8 + (i % 8);
      const from = (row * nValues + i) * blockBytes;
      groups.set(rows.subarray(from, from + blockBytes), place * blockBytes);
    }
  }
  return groups;
}

/** Vectors (nVectors, nValues) in binary32, filled up with zeros to whole 8 columns; rounded to f16, times 2^112, or to bf16. */
export function laneActivationsTwin(type: string, x: Float32Array, nVectors: number): Uint8Array {
  const nValues = x.length / nVectors;
  const nColumns = 8 * Math.ceil(nValues / 8);
  const out = new Float32Array(nVectors * nColumns);
  for (const [i, value] of x.entries()) {
    const half = type === "f16" ? f16ToF32(f32ToF16(value)) * 2 ** 112 : value;
    const rounded = type === "bf16" ? unpackRows(type, packRows(type, Float32Array.of(value)))[0]! : half;
    out[Math.floor(i / nValues) * nColumns + (i % nValues)] = rounded;
  }
  return new Uint8Array(out.buffer);
}

/** Where the fields of a file's block of 32 are. */
const FIELDS_32 = new Map([
  ["q4_0", { scales: [0], fifths: -1, levels: 2 }],
  ["q4_1", { scales: [0, 2], fifths: -1, levels: 4 }],
  ["q5_0", { scales: [0], fifths: 2, levels: 6 }],
  ["q5_1", { scales: [0, 2], fifths: 4, levels: 8 }],
  ["q8_0", { scales: [0], fifths: -1, levels: 2 }],
  ["iq4_nl", { scales: [0], fifths: -1, levels: 2 }],
  ["mxfp4", { scales: [], fifths: -1, levels: 1 }],
]);

/** Where the fields of a file's super-block are: units of 32 bytes in the order in which a group has them. */
const FIELDS_256 = new Map([
  ["q3_K", { units: [32, 64, 0], scales: [108], packedScales: 96 }],
  ["q4_K", { units: [16, 48, 80, 112], scales: [0, 2], packedScales: 4 }],
  ["q5_K", { units: [48, 80, 112, 144, 16], scales: [0, 2], packedScales: 4 }],
  ["q6_K", { units: [0, 32, 64, 96, 128, 160], scales: [208], packedScales: 192 }],
]);

/** Groups of 8 rows from `rows` (nRows, nBlocks * blockBytes). */
export function repackTwin(type: string, rows: Uint8Array, nRows: number, nBlocks: number): Uint8Array {
  const { blockBytes, blockValues } = blockInfo(type);
  const { columnBytes, kind } = WASM_LAYOUTS.get(type)!;
  const groups = new Uint8Array(Math.ceil(nRows / 8) * nBlocks * columnBytes);
  if (kind !== undefined) {
    groups.set(rows); // as they are in a file
    return groups;
  }
  for (let row = 0; row < nRows; row++) {
    for (let b = 0; b < nBlocks; b++) {
      const block = rows.subarray((row * nBlocks + b) * blockBytes, (row * nBlocks + b + 1) * blockBytes);
      const start = (Math.floor(row / 8) * nBlocks + b) * columnBytes;
      const column = groups.subarray(start, start + columnBytes);
      if (blockValues === 1) column.set(block, blockBytes * (row % 8));
      else if (blockValues === 32) place32(type, block, column, row % 8);
      else if (type === "iq4_xs") placeIq4Xs(block, column, row % 8);
      else if (type === "q2_K") placeSums(type, block, column, row % 8);
      else place256(type, block, column, row % 8);
    }
  }
  return groups;
}

function place32(type: string, block: Uint8Array, column: Uint8Array, row: number): void {
  const fields = FIELDS_32.get(type)!;
  const half = 16 * (row >> 2); // A: rows 0 … 3, B: rows 4 … 7
  const side = 8 * (row & 1); // left or right half of a vector
  const odd = (row >> 1) & 1; // vectors alternate between rows 0, 1 and rows 2, 3
  const levelBytes = type === "q8_0" ? 32 : 16;
  for (let j = 0; j < levelBytes; j++) {
    column[32 * (2 * (j >> 3) + odd) + half + side + (j & 7)] = block[fields.levels + j]!;
  }
  let scalesAt = 8 * levelBytes;
  if (fields.fifths >= 0) {
    for (let i = 0; i < 32; i++) {
      const bit = (block[fields.fifths + (i >> 3)]! >> (i & 7)) & 1;
      const vector = 2 * ((i & 15) >> 3) + odd;
      column[128 + half + side + (i & 7)]! |= bit << (vector + (i < 16 ? 0 : 4));
    }
    scalesAt += 32;
  }
  for (const [k, offset] of fields.scales.entries()) {
    column.set(block.subarray(offset, offset + 2), scalesAt + 16 * k + 2 * row);
  }
  if (type === "mxfp4") column[scalesAt + row] = block[0]!;
}

function placeIq4Xs(block: Uint8Array, column: Uint8Array, row: number): void {
  const high = block[2]! | (block[3]! << 8);
  for (let sub = 0; sub < 8; sub++) {
    const nibbles = new Uint8Array(136); // as those of MXFP4
    place32("mxfp4", block.subarray(7 + 16 * sub, 24 + 16 * sub), nibbles, row);
    for (let i = 0; i < 128; i++) column[128 * sub + i]! |= nibbles[i]!;
    const low = (block[4 + (sub >> 1)]! >> (4 * (sub & 1))) & 15;
    column[1024 + 8 * sub + row] = low + 16 * ((high >> (2 * sub)) & 3) - 32;
  }
  column.set(block.subarray(0, 2), 1088 + 2 * row);
}

function place256(type: string, block: Uint8Array, column: Uint8Array, row: number): void {
  const fields = FIELDS_256.get(type)!;
  const hasMinimums = fields.scales.length === 2;
  const headBytes = hasMinimums ? 96 : 16;
  const rowBytes = (column.length - headBytes) / 8;
  const out = column.subarray(headBytes + row * rowBytes, headBytes + (row + 1) * rowBytes);
  for (const [u, offset] of fields.units.entries()) {
    out.set(laneOrder(block.subarray(offset, offset + 32)), 32 * u);
  }
  const scalesAt = 32 * fields.units.length;
  const minimums = column.subarray(0, 64);
  const lane = 16 * (row >> 2) + 4 * (row & 3);
  const packed = block.subarray(fields.packedScales, fields.packedScales + 16);
  if (type === "q4_K" || type === "q5_K") {
    for (let pair = 0; pair < 8; pair++) {
      const [scale, minimum] = scaleAndMinimum(packed, pair);
      out[scalesAt + pair] = scale;
      minimums[32 * (pair >> 2) + lane + [0, 2, 1, 3][pair & 3]!] = minimum;
    }
  } else {
    for (let group = 0; group < 16; group++) {
      const scale = type === "q6_K" ? packed[group]! : q3Scale(packed, group);
      out[scalesAt + 4 * (group >> 2) + [0, 2, 1, 3][group & 3]!] = scale;
    }
  }
  const scalesOfRows = hasMinimums ? 64 : 0;
  for (const [k, offset] of fields.scales.entries()) {
    column.set(block.subarray(offset, offset + 2), scalesOfRows + 16 * k + 2 * row);
  }
}

/** The level of value `i`, from 0 up. */
function levelOf(type: string, block: Uint8Array, i: number): number {
  const l = i & 31;
  const quarter = (i >> 5) & 3;
  const bits = (at: number, shift: number, n: number): number => (block[at]! >> shift) & ((1 << n) - 1);
  if (type === "q2_K") return bits(16 + 32 * (i >> 7) + l, 2 * quarter, 2);
  if (type === "q3_K") return bits(32 + 32 * (i >> 7) + l, 2 * quarter, 2) + 4 * bits(l, i >> 5, 1);
  if (type === "q4_K") return bits(16 + 32 * (i >> 6) + l, 4 * (quarter & 1), 4);
  if (type === "q5_K") return bits(48 + 32 * (i >> 6) + l, 4 * (quarter & 1), 4) + 16 * bits(16 + l, i >> 5, 1);
  const half = i >> 7;
  const low = bits(64 * half + 32 * (quarter & 1) + l, 4 * (quarter >> 1), 4);
  return low + 16 * bits(128 + 32 * half + l, 2 * quarter, 2);
}

/** One row of a column of asm/k-sums.ts. */
function placeSums(type: string, block: Uint8Array, column: Uint8Array, row: number): void {
  const groupValues = type === "q4_K" || type === "q5_K" ? 32 : 16;
  const words = column.subarray(16 * (row >> 2) + 4 * (row & 3));
  const offsets = { q2_K: [80, 82], q3_K: [108], q4_K: [0, 2], q5_K: [0, 2], q6_K: [208] }[type]!;
  const floatsAt = 128;
  const lane = words.subarray(floatsAt + 16 * offsets.length);
  for (let i = 0; i < 256; i++) {
    const couple = Math.floor(i / groupValues / 2);
    const within = i % groupValues;
    const k = within >> 1; // the chunk
    const byte = 2 * (Math.floor(i / groupValues) & 1) + (within & 1);
    const level = levelOf(type, block, i);
    const put = (unit: number, value: number, shift: number): void => {
      lane[unit + byte]! |= value << shift;
    };
    if (type === "q2_K") put(64 * couple + 32 * (k >> 2), level, 2 * (k & 3));
    if (type === "q3_K") {
      put(96 * couple + 32 * (k >> 2), level & 3, 2 * (k & 3));
      put(96 * couple + 64, level >> 2, k);
    }
    if (type === "q4_K") put(256 * couple + 32 * (k & 7), level, 4 * (k >> 3));
    if (type === "q5_K") {
      put(320 * couple + 32 * (k & 7), level & 15, 4 * (k >> 3));
      put(320 * couple + 256 + 32 * (k >> 3), level >> 4, k & 7);
    }
    if (type === "q6_K") {
      put(384 * (couple >> 1) + 32 * k, level & 15, 4 * (couple & 1));
      put(384 * (couple >> 1) + 256 + 64 * (couple & 1) + 32 * (k >> 2), level >> 4, 2 * (k & 3));
    }
  }
  for (let group = 0; group < 256 / groupValues; group++) {
    if (type === "q2_K") {
      const [word, k, g] = [group >> 3, (group >> 1) & 3, group & 1];
      const at = 32 * word + 2 * g + (k >> 1);
      words[at]! |= (block[group]! & 15) << (4 * (k & 1));
      words[64 + at]! |= (block[group]! >> 4) << (4 * (k & 1));
      continue;
    }
    const at = 32 * (group >> 2) + [0, 2, 1, 3][group & 3]!;
    if (type === "q3_K") words[at] = q3Scale(block.subarray(96), group);
    else if (type === "q6_K") words[at] = block[192 + group]!;
    else [words[at], words[64 + at]] = scaleAndMinimum(block.subarray(4), group);
  }
  for (const [n, offset] of offsets.entries())
    column.set(block.subarray(offset, offset + 2), floatsAt + 16 * n + 2 * row);
}

/** A block of Q8_K as asm/k-sums.ts wants it. */
function placeChunks(groupValues: number, from: DataView, to: DataView): void {
  const nGroups = 256 / groupValues;
  for (let group = 0; group < nGroups; group++) {
    let sum = 0;
    for (let i = 0; i < groupValues; i++) {
      const level = from.getInt8(4 + groupValues * group + i);
      to.setInt8(2 * groupValues * (group >> 1) + 4 * (i >> 1) + 2 * (group & 1) + (i & 1), level);
      sum += level;
    }
    to.setInt16(256 + 2 * group, sum, true);
  }
  to.setFloat32(256 + 2 * nGroups, from.getFloat32(0, true), true);
}

/** Byte 4l + k is byte l + 8k. */
function laneOrder<T extends Uint8Array | Int8Array>(unit: T): T {
  return unit.map((_, i) => unit[(i >> 2) + 8 * (i & 3)]!) as T;
}

/** 6-bit numbers from 12 bytes, as build 803 packs them. */
function scaleAndMinimum(bytes: Uint8Array, j: number): [number, number] {
  if (j < 4) return [bytes[j]! & 63, bytes[j + 4]! & 63];
  return [(bytes[j + 4]! & 15) | ((bytes[j - 4]! >> 6) << 4), (bytes[j + 4]! >> 4) | ((bytes[j]! >> 6) << 4)];
}

function q3Scale(bytes: Uint8Array, j: number): number {
  const low = j < 8 ? bytes[j]! & 15 : bytes[j - 8]! >> 4;
  const high = (bytes[8 + (j % 4)]! >> (2 * (j >> 2))) & 3;
  return (low | (high << 4)) - 32;
}

/** Packed vectors from `x` (nVectors, rowValues). */
export function activationsTwin(
  type: string,
  x: Float32Array,
  nVectors: number,
  arithmetic: ArithmeticName = "build803",
  excess?: number,
): Uint8Array {
  const { blockValues } = blockInfo(blockInfo(type).activationType);
  const layout = (arithmetic === "lanes" ? LANE_LAYOUTS.get(type) : undefined) ?? WASM_LAYOUTS.get(type)!;
  const like = layout.vectorsAs ?? (layout === LANE_LAYOUTS.get(type) ? `${type}_lanes` : type);
  const vectorBytes = (layout.vectorBytes * blockValues) / layout.blockValues;
  const rowValues = x.length / nVectors;
  const nBlocks = rowValues / blockValues;
  const out = new Uint8Array(nVectors * nBlocks * vectorBytes);
  for (let v = 0; v < nVectors; v++) {
    const packed = packActivation(type, x.subarray(v * rowValues, (v + 1) * rowValues), undefined, arithmetic);
    // tiles of 32 vectors; of four, then single ones, for f16 and f32
    const tile = blockValues === 1 ? (v < nVectors - (nVectors % 4) ? 4 : 1) : 32;
    const first = v - (blockValues === 1 && tile === 1 ? 0 : v % tile);
    const width = Math.min(tile, nVectors - first);
    for (let b = 0; b < nBlocks; b++) {
      const start = (first * nBlocks + b * width + (v - first)) * vectorBytes;
      const size = packed.length / nBlocks;
      const block = packed.subarray(b * size, (b + 1) * size);
      placeVectorBlock(type, like, block, out.subarray(start, start + vectorBytes), excess);
    }
  }
  return out;
}

/** @param like the type whose vectors are packed alike, see `WasmLayout` */
function placeVectorBlock(type: string, like: string, block: Uint8Array, out: Uint8Array, excess?: number): void {
  const from = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const to = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const partner = blockInfo(type).activationType;
  if (type === "f32") out.set(block);
  else if (type === "f16") to.setFloat64(0, f16ToF32(from.getUint16(0, true)) * 2 ** 1008, true);
  else if (type === "bf16") to.setFloat64(0, unpackRows(type, block)[0]! * 2 ** 896, true);
  else if (like === "q2_K") placeChunks(16, from, to);
  else if (like === "q4_K_lanes") placeChunks(32, from, to);
  else if (partner === "q8_K") placeQ8K(like, from, to);
  else {
    const isQ8_0 = partner === "q8_0";
    const q = new Int8Array(block.buffer, block.byteOffset + (isQ8_0 ? 2 : 8), 32);
    const d = isQ8_0 ? f16ToF32(from.getUint16(0, true)) : from.getFloat32(0, true);
    if (like === "q8_0") {
      for (let i = 0; i < 32; i++) {
        out[i] = excess === undefined ? Math.max(q[i]!, 0) : q[i]! + excess;
        out[32 + i] = Math.max(-q[i]!, 0);
      }
      to.setFloat32(64, d, true);
      return;
    }
    out.set(q);
    const sum = q.reduce((total, level) => total + level, 0);
    const offset = new Map([
      ["q4_0", 8],
      ["mxfp4", 12],
      ["q5_0", 16],
    ]).get(like);
    to.setInt32(32, offset === undefined ? 0 : -offset * sum, true);
    to.setFloat32(40, d, true);
    if (!isQ8_0) to.setFloat32(44, from.getFloat32(4, true), true);
  }
}

function placeQ8K(type: string, from: DataView, to: DataView): void {
  let at = 256;
  if (type === "iq4_xs") {
    for (let i = 0; i < 256; i++) to.setInt8(i, from.getInt8(4 + i));
    to.setFloat32(at, from.getFloat32(0, true), true);
    return;
  }
  for (let pair = 0; pair < 8; pair++) {
    const levels = laneOrder(new Int8Array(from.buffer, from.byteOffset + 4 + 32 * pair, 32));
    for (let i = 0; i < 32; i++) to.setInt8(32 * pair + i, levels[i]!);
    const sums = [0, 1].map((g) => from.getInt16(260 + 2 * (2 * pair + g), true));
    if (type === "q4_K") {
      to.setInt16(at, sums[0]! + sums[1]!, true);
      at += 2;
    } else {
      for (let i = 0; i < 32; i += 2) {
        to.setInt16(at, (type === "q3_K" ? 4 : 32) * (levels[i]! + levels[i + 1]!), true);
        at += 2;
      }
    }
  }
  to.setFloat32(at, from.getFloat32(0, true), true);
}
