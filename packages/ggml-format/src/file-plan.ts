// A file that is about to be written: what goes into it, and where everything will stand.

import { printable } from "@ll/bytes";
import { ftypeTensorType } from "./ftype.ts";
import { HYPER_PARAM_BYTES, type HyperParams } from "./hyper-params.ts";
import { MAX_NAME_BYTES, MAX_TENSORS } from "./limits.ts";
import { type TensorType, tensorBytes, tensorType } from "./tensor-type.ts";
import { type VocabEntry, vocabBytes } from "./vocab-section.ts";

export interface PlannedTensor {
  readonly name: string;
  readonly type: string;
  /** Slowest dimension first: [rows, columns] or [n]. */
  readonly shape: readonly number[];
}

/** All that is known of a file before its first tensor is read. */
export interface GgmlPlan {
  /** 1 takes f32, f16, q4_0_v1 and q4_1_v1; 3 takes f32, f16 and all current block types. */
  readonly version: 1 | 3;
  readonly hyperParams: HyperParams;
  /** As many entries as `hyperParams.nVocab` says. */
  readonly vocab: readonly VocabEntry[];
  readonly tensors: readonly PlannedTensor[];
}

/** A tensor and its place. Offsets are bytes from the start of the file. */
export interface TensorRecord {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly dataOffset: number;
  readonly end: number;
}

export interface FileLayout {
  readonly vocabEnd: number;
  readonly records: readonly TensorRecord[];
}

const ALIGNMENT = 32;
/** Magic, version and hyper-parameters. */
export const HEADER_BYTES: number = 8 + HYPER_PARAM_BYTES;

const encoder = /* @__PURE__ */ new TextEncoder();

/** Exact size of the file in bytes. @throws RangeError for a plan whose file `openGgml` would refuse */
export function ggmlFileBytes(plan: GgmlPlan): number {
  const { records, vocabEnd } = layOut(plan);
  return records.at(-1)?.end ?? vocabEnd;
}

/** @throws RangeError for a plan whose file `openGgml` would refuse */
export function layOut(plan: GgmlPlan): FileLayout {
  assertHeader(plan);
  const vocabEnd = HEADER_BYTES + vocabBytes(plan.vocab);
  return { vocabEnd, records: layOutRecords(plan.tensors, plan.version, vocabEnd) };
}

/** Places tensor records one after the other. @throws RangeError for records that no reader would take */
export function layOutRecords(tensors: readonly PlannedTensor[], version: 1 | 3, firstStart: number): TensorRecord[] {
  if (tensors.length > MAX_TENSORS) {
    throw new RangeError(`"tensors" expected at most ${MAX_TENSORS}, got ${tensors.length}`);
  }
  const names = new Set<string>();
  let start = firstStart;
  return tensors.map((tensor) => {
    if (names.has(tensor.name)) throw new RangeError(`"tensors" expected every name once, got ${tensor.name} twice`);
    names.add(tensor.name);
    const record = placeTensor(tensor, version, start);
    start = record.end;
    return record;
  });
}

function assertHeader({ version, hyperParams, vocab }: GgmlPlan): void {
  if (version !== 1 && version !== 3) throw new RangeError(`"version" expected 1 or 3, got ${version}`);
  const { nVocab, ftype } = hyperParams;
  if (nVocab !== vocab.length) throw new RangeError(`"nVocab" expected ${vocab.length}, as in "vocab", got ${nVocab}`);
  // version 1 can name q4_0 and q4_1, in the block layout of its time, but nothing that came later
  if (ftypeTensorType(ftype) === undefined || (version === 1 && ftype > 4)) {
    throw new RangeError(`"ftype" expected a file type of ggjt v${version}, got ${ftype}`);
  }
}

function placeTensor({ name, type: typeName, shape }: PlannedTensor, version: 1 | 3, start: number): TensorRecord {
  const type = tensorType(typeName);
  const isOldType = typeName.endsWith("_v1");
  if (type.quantized && isOldType !== (version === 1)) {
    throw new RangeError(`"type" expected a type of ggjt v${version} for tensor ${name}, got ${typeName}`);
  }
  if (shape.length !== 1 && shape.length !== 2) {
    throw new RangeError(`"shape" expected 1 or 2 dimensions for tensor ${name}, got ${shape.length}`);
  }
  if (shape.some((size) => size > 0xffffffff)) throw new RangeError(`"shape" expected sizes under 2^32, got ${shape}`);
  const nameBytes = encoder.encode(name);
  const isReadable = name.isWellFormed() && printable(name, 8 * MAX_NAME_BYTES) === name;
  if (nameBytes.length < 1 || nameBytes.length > MAX_NAME_BYTES || !isReadable) {
    throw new RangeError(`"name" expected 1 to ${MAX_NAME_BYTES} bytes of printable UTF-8, got ${printable(name)}`);
  }
  const nameEnd = start + 12 + 4 * shape.length + nameBytes.length;
  const dataOffset = Math.ceil(nameEnd / ALIGNMENT) * ALIGNMENT;
  return { name, nameBytes, type, shape, start, dataOffset, end: dataOffset + tensorBytes(type, shape) };
}
