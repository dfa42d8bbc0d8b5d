// LoRA adapters ("ggla" version 1): pairs of small matrices whose products are added to the tensors of a model.
//
//   61 6c 67 67 | version: u32 = 1 | r: i32 | alpha: i32 | tensor records as in ggjt, named TENSOR.loraA and TENSOR.loraB
//
// llama.cpp build 803 stops at the first record it does not like and runs on with what it has by then, and it forgets tensors
// that are not followed by their partner. Here an adapter is whole or refused.

import {
  type BoundedReader,
  type BudgetOptions,
  type ByteSource,
  createReader,
  type FileTensor,
  type FormatError,
  printable,
} from "@ll/bytes";
import type { Container } from "./container.ts";
import { GgmlFormatError } from "./errors.ts";
import { RECORD_CHUNK_BYTES } from "./limits.ts";
import { readTensorDirectory } from "./tensor-directory.ts";

export const GGLA_MAGIC = 0x67676c61;
export const GGLA_VERSION = 1;

/** Magic, version, r and alpha. */
export const LORA_HEADER_BYTES = 16;

/** What follows the header is what follows the vocabulary of a ggjt v3 file. */
const RECORDS: Container = { magic: "ggjt", version: 3, name: "ggla v1", hasScores: false, alignment: 32 };

/** Two matrices whose product has the shape of `target`. */
export interface LoraPair {
  /** Name of the model's tensor. */
  readonly target: string;
  readonly a: FileTensor; // (row length of the target, rank), f32
  readonly b: FileTensor; // (rows of the target, rank), f32
}

/** An open adapter. It reads from its source for as long as tensors are read; the source is closed by whoever opened it. */
export interface LoraFile {
  /** Name of the byte source, for messages. */
  readonly name: string;
  readonly byteLength: number;
  /** The products are scaled by alpha / r. The rank of a pair is in its shapes, which may say something else. */
  readonly r: number;
  readonly alpha: number;
  /** At least one, in file order of their first tensors; every target once. */
  readonly pairs: readonly LoraPair[];
  /** @throws IoError `E_CHANGED` if the source is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
}

export interface OpenLoraOptions extends BudgetOptions {
  /** Bytes fetched from the source at a time. Any size from 1 gives the same result. */
  readonly chunkBytes?: number;
}

/**
 * Opens an adapter: the header is read, tensors are only located, pairs may stand in any order.
 * @throws GgmlFormatError if it is no readable adapter, cut off anywhere, or holds anything but pairs of f32 matrices; IoError
 */
export async function openLora(source: ByteSource, options: OpenLoraOptions = {}): Promise<LoraFile> {
  const reader = createReader(source, {
    chunkBytes: options.chunkBytes ?? RECORD_CHUNK_BYTES,
    ErrorClass: GgmlFormatError,
    ...(options.budget !== undefined && { budget: options.budget }),
  });
  const { r, alpha } = await readHeader(reader);
  const { tensors } = await readTensorDirectory(reader, RECORDS, false);
  return {
    name: source.name,
    byteLength: source.byteLength,
    r,
    alpha,
    pairs: pairUp(reader, tensors),
    assertUnchanged: async () => source.assertUnchanged?.(),
  };
}

async function readHeader(reader: BoundedReader): Promise<{ r: number; alpha: number }> {
  const magic = await reader.u32("magic");
  if (magic !== GGLA_MAGIC) {
    throw reader.error({
      code: "E_MAGIC",
      offset: 0,
      field: "magic",
      expected: "67676c61 (ggla)",
      got: magic.toString(16).padStart(8, "0"),
      message: "bad file magic", // the words of build 803
      hint: "an adapter comes from ll-convert --lora",
    });
  }
  const version = await reader.u32("version");
  if (version !== GGLA_VERSION) {
    throw reader.error({
      code: "E_VERSION",
      offset: 4,
      field: "version",
      expected: GGLA_VERSION,
      got: version,
      message: "unsupported file version", // the words of build 803
    });
  }
  const r = await reader.i32("r");
  if (r < 1) {
    throw reader.error({
      code: "E_RANGE",
      offset: 8,
      field: "r",
      expected: "at least 1",
      got: r,
      message: `the scaling alpha / r has r = ${r}`,
    });
  }
  return { r, alpha: await reader.i32("alpha") };
}

/** Name of the target and which of the pair it is; the last `.lora` counts. */
const LORA_NAME = /^(.+)\.lora([AB])$/s;

function pairUp(reader: BoundedReader, tensors: ReadonlyMap<string, FileTensor>): LoraPair[] {
  const targets = new Set<string>();
  for (const tensor of tensors.values()) targets.add(targetOf(reader, tensor));
  if (targets.size === 0) {
    throw reader.error({
      code: "E_EMPTY",
      expected: "at least one pair",
      got: 0,
      message: "the adapter has no tensors",
    });
  }
  const half = (name: string): FileTensor => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) return tensor;
    const message = `tensor '${name}' is missing in the adapter: its partner is there`;
    throw reader.error({ code: "E_MISSING_TENSOR", field: name, expected: name, got: "no such tensor", message });
  };
  return Array.from(targets, (target) => {
    const pair = { target, a: half(`${target}.loraA`), b: half(`${target}.loraB`) };
    const [rankA, rankB] = [pair.a.shape[1], pair.b.shape[1]];
    if (rankA === rankB) return pair;
    const message = `ranks of '${target}' differ: ${rankA} in loraA, ${rankB} in loraB`;
    throw tensorError(reader, pair.b, "E_SHAPE", String(rankA), String(rankB), message);
  });
}

/** @throws GgmlFormatError for a tensor that is no half of a pair. */
function targetOf(reader: BoundedReader, tensor: FileTensor): string {
  const { name, type, shape } = tensor;
  const target = LORA_NAME.exec(name)?.[1];
  if (target === undefined) {
    const message = `'${name}' is not a lora tensor`;
    throw tensorError(reader, tensor, "E_NAME", "a name that ends in .loraA or .loraB", name, message);
  }
  if (shape.length !== 2) {
    const message = `unsupported tensor dimension ${shape.length} of '${name}'`;
    throw tensorError(reader, tensor, "E_RANGE", "2 dimensions", String(shape.length), message);
  }
  if (type !== "f32") {
    const message = `invalid tensor data type '${type}' of '${name}'`;
    throw tensorError(reader, tensor, "E_DTYPE", "f32", type, message);
  }
  return target;
}

function tensorError(
  reader: BoundedReader,
  { name, dataOffset }: FileTensor,
  code: string,
  expected: string,
  got: string,
  message: string,
): FormatError {
  return reader.error({ code, offset: dataOffset, field: printable(name), expected, got: printable(got), message });
}
