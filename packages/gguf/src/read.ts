// Opening a GGUF file: header and entries are read, arrays and tensors are only located.

import {
  type BoundedReader,
  type BudgetOptions,
  type ByteSource,
  createReader,
  type FileTensor,
  type FormatError,
  isFormatError,
} from "@ll/bytes";
import { GgufFormatError } from "./errors.ts";
import { readHeader } from "./header.ts";
import { HEADER_CHUNK_BYTES, MAX_ALIGNMENT, MAX_HEADER_CHUNK_BYTES } from "./limits.ts";
import { type GgufMetadata, readMetadata } from "./metadata.ts";
import { alignUp, placeTensors, readTensorEntries, type TensorEntry, tensorAt } from "./tensor-directory.ts";

export interface OpenGgufOptions extends BudgetOptions {
  /** Refuse what otherwise gives a warning. */
  readonly strict?: boolean;
  /** Open a file whose metadata can be read and whose tensors cannot, to look at it: `damage` says what is wrong. */
  readonly damaged?: boolean;
  /** Bytes fetched from the source at a time. Any size from 1 gives the same result. */
  readonly chunkBytes?: number;
}

/** What one file or a set of them holds. */
export interface GgufContents {
  /** Name of the byte source, for messages. */
  readonly name: string;
  readonly metadata: GgufMetadata;
  /** In file order. */
  readonly tensors: readonly FileTensor[];
  names(): Iterable<string>;
  tensor(name: string): FileTensor | undefined;
  /** What is odd but harmless, for people. */
  readonly warnings: readonly string[];
  /** Why the tensors cannot be read, of a file that was opened as `damaged`; those that it lists may not be there. */
  readonly damage?: FormatError | undefined;
  /** @throws IoError `E_CHANGED` if a source is not what it was when it was opened */
  assertUnchanged(): Promise<void>;
}

/** An open file. It reads from its source for as long as tensors and arrays are read; whoever opened the source closes it. */
export interface GgufFile extends GgufContents {
  readonly byteLength: number;
  readonly version: 2 | 3;
  /** Tensors begin at multiples of it, from the start of the data. */
  readonly alignment: number;
  /** First byte of the data. */
  readonly dataOffset: number;
}

export const ALIGNMENT_KEY = "general.alignment";
export const DEFAULT_ALIGNMENT = 32;

/**
 * Opens a file of version 2 or 3 with little-endian numbers. Memory: at most twice the header bytes that are present, plus 1 MiB.
 * @throws GgufFormatError if it is not a readable file; IoError if the source fails
 */
export async function openGguf(source: ByteSource, options: OpenGgufOptions = {}): Promise<GgufFile> {
  const reader = createReader(source, {
    chunkBytes: options.chunkBytes ?? HEADER_CHUNK_BYTES,
    maxChunkBytes: options.chunkBytes ?? MAX_HEADER_CHUNK_BYTES,
    ErrorClass: GgufFormatError,
    ...(options.budget !== undefined && { budget: options.budget }),
  });
  const { version, nTensors, nMetadata } = await readHeader(reader);
  const metadata = await readMetadata(reader, nMetadata);

  const warnings: string[] = [];
  const warn = (fields: Parameters<BoundedReader["error"]>[0]): void => {
    const error = reader.error(fields);
    if (options.strict) throw error;
    warnings.push(error.summary);
  };
  let alignment = DEFAULT_ALIGNMENT;
  let dataStart = reader.offset;
  let entries: TensorEntry[] = [];
  let tensors: ReadonlyMap<string, FileTensor>;
  let damage: FormatError | undefined;
  try {
    alignment = alignmentOf(reader, metadata);
    entries = await readTensorEntries(reader, nTensors);
    // a file without tensors may end with its last value
    dataStart = nTensors === 0 ? reader.offset : alignUp(reader.offset, alignment);
    await skipPadding(reader, dataStart, warn);
    const placed = placeTensors(reader, entries, dataStart, alignment);
    tensors = placed.tensors;
    assertEnd(reader, placed.dataEnd, alignUp(placed.dataEnd, alignment), nTensors, warn);
  } catch (error) {
    if (options.damaged !== true || !isFormatError(error)) throw error;
    damage = error;
    tensors = new Map(entries.map((entry) => [entry.name, tensorAt(reader, entry, dataStart)]));
  }
  return {
    name: source.name,
    byteLength: source.byteLength,
    version,
    alignment,
    metadata,
    dataOffset: dataStart,
    tensors: [...tensors.values()],
    names: () => tensors.keys(),
    tensor: (name) => tensors.get(name),
    warnings,
    damage,
    assertUnchanged: async () => source.assertUnchanged?.(),
  };
}

type Warn = (fields: Parameters<BoundedReader["error"]>[0]) => void;

/** @throws GgufFormatError `E_TYPE` or `E_ALIGN` */
function alignmentOf(reader: BoundedReader, metadata: GgufMetadata): number {
  const value = metadata.get(ALIGNMENT_KEY);
  if (value === undefined) return DEFAULT_ALIGNMENT;
  if (value.type !== "u32") {
    throw reader.error({
      code: "E_TYPE",
      field: ALIGNMENT_KEY,
      expected: "u32",
      got: value.type,
      message: `'${ALIGNMENT_KEY}' is of type ${value.type}, not u32`,
    });
  }
  const alignment = value.value;
  // a power of two has one bit set; up to 2^21, bit operators are safe
  if (alignment < 1 || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) !== 0) {
    throw reader.error({
      code: "E_ALIGN",
      field: ALIGNMENT_KEY,
      expected: `a power of two up to ${MAX_ALIGNMENT}`,
      got: alignment,
      message: `an alignment of ${alignment}`,
    });
  }
  return alignment;
}

async function skipPadding(reader: BoundedReader, dataStart: number, warn: Warn): Promise<void> {
  const start = reader.offset;
  const padding = await reader.bytes(dataStart - start, "padding");
  const nonZero = padding.findIndex((byte) => byte !== 0);
  if (nonZero < 0) return;
  warn({
    code: "E_PAD",
    offset: start + nonZero,
    field: "padding",
    expected: "zeros",
    got: "other bytes",
    message: "the padding before the data is not zero",
  });
}

/** The data ends the file, but for padding; writers differ in whether they write it after the last tensor. */
function assertEnd(reader: BoundedReader, dataEnd: number, paddedEnd: number, nTensors: number, warn: Warn): void {
  const { byteLength } = reader.source;
  if (byteLength > paddedEnd) {
    const what = `${byteLength - paddedEnd} bytes`;
    throw reader.error({
      code: "E_TRAILING",
      offset: paddedEnd,
      field: "data",
      expected: "the end of the file",
      got: what,
      message: `${what} after the last tensor`,
    });
  }
  if (byteLength < paddedEnd && nTensors > 0) {
    warn({
      code: "E_TRUNC",
      offset: dataEnd,
      field: "padding",
      expected: `${paddedEnd - dataEnd} bytes`,
      got: `${byteLength - dataEnd} bytes`,
      message: "the padding after the last tensor is not all there",
    });
  }
}
