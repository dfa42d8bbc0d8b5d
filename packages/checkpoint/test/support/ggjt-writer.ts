// A plain writer of ggjt files, to compare what this package reads with recorded conversions, and a plain reader of one.

import { readFileSync } from "node:fs";
import { asType, type CastType } from "../../src/cast.ts";
import type { Checkpoint } from "../../src/checkpoint.ts";
import { concat, f32s, u32 } from "./bytes.ts";
import { readAll } from "./files.ts";

/** The whole file that convert.py writes for this checkpoint and the tokenizer.model at `tokenizerPath`. */
export async function ggjtFile(
  checkpoint: Checkpoint,
  tokenizerPath: string,
  type: CastType,
  version: number,
): Promise<Uint8Array> {
  const { nVocab, nEmbd, nMult, nHeads, nLayers } = checkpoint.params;
  const ftype = type === "f32" ? 0 : 1;
  const numbers = [version, nVocab, nEmbd, nMult, nHeads, nLayers, nEmbd / nHeads, ftype];
  const parts = [concat("tjgg", ...numbers.map(u32)), vocabSection(readFileSync(tokenizerPath))];
  let position = parts.reduce((sum, part) => sum + part.length, 0);
  for (const tensor of checkpoint.tensors) {
    const cast = asType(tensor, tensor.shape.length === 1 ? "f32" : type);
    const name = new TextEncoder().encode(tensor.name);
    const dims = [...tensor.shape].reverse();
    const id = cast.type === "f32" ? 0 : 1;
    const head = concat(u32(dims.length), u32(name.length), u32(id), ...dims.map(u32), name);
    const pad = new Uint8Array(-(position + head.length) & 31);
    const record = concat(head, pad, await readAll(cast, 1000)); // pieces that fit neither rows nor elements
    parts.push(record);
    position += record.length;
  }
  return concat(...parts);
}

/** Vocabulary records from the pieces (field 1) of a SentencePiece model; see spec of the conversion for the texts. */
function vocabSection(model: Uint8Array): Uint8Array {
  const records: Uint8Array[] = [];
  for (const [field, piece] of protobufFields(model)) {
    if (field !== 1) continue;
    let text = "";
    let score: Uint8Array = f32s([0]);
    let type = 1;
    for (const [inner, value] of protobufFields(piece as Uint8Array)) {
      if (inner === 1) text = new TextDecoder().decode(value as Uint8Array);
      if (inner === 2) score = value as Uint8Array;
      if (inner === 3) type = value as number;
    }
    const bytes = finalText(text, type);
    records.push(concat(u32(bytes.length), bytes, score));
  }
  return concat(...records);
}

function finalText(text: string, type: number): Uint8Array {
  if (type === 2) return new TextEncoder().encode(" ⁇ ");
  if (type === 3) return new Uint8Array(0);
  if (type === 6) return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
  return new TextEncoder().encode(text.replaceAll("▁", " "));
}

function* protobufFields(bytes: Uint8Array): Generator<[number, number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) {
      yield [key >>> 3, varint()];
    } else {
      const length = wire === 2 ? varint() : wire === 5 ? 4 : 8;
      yield [key >>> 3, bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

export interface GgjtTensor {
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Vocabulary and tensors of a ggjt file that is known to be good. */
export function readGgjt(path: string): {
  vocab: { text: Uint8Array; score: number }[];
  tensors: Map<string, GgjtTensor>;
} {
  const file = readFileSync(path);
  const nVocab = file.readUInt32LE(8);
  let at = 36;
  const vocab = Array.from({ length: nVocab }, () => {
    const length = file.readUInt32LE(at);
    const text = new Uint8Array(file.subarray(at + 4, at + 4 + length));
    at += 8 + length;
    return { text, score: file.readFloatLE(at - 4) };
  });
  const tensors = new Map<string, GgjtTensor>();
  while (at < file.length) {
    const nDims = file.readUInt32LE(at);
    const nameLength = file.readUInt32LE(at + 4);
    const type = file.readUInt32LE(at + 8);
    const shape = Array.from({ length: nDims }, (_, d) => file.readUInt32LE(at + 12 + 4 * d)).reverse();
    const nameStart = at + 12 + 4 * nDims;
    const name = file.toString("utf8", nameStart, nameStart + nameLength);
    const start = Math.ceil((nameStart + nameLength) / 32) * 32;
    const length = shape.reduce((product, size) => product * size, type === 0 ? 4 : 2);
    tensors.set(name, { type, shape, bytes: new Uint8Array(file.subarray(start, start + length)) });
    at = start + length;
  }
  return { vocab, tensors };
}
