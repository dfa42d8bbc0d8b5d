// Importance of weights: how much the inputs that meet each column of a matrix weigh, as llama-imatrix of llama.cpp measures it. Two
// formats are read: GGUF files, which importance-write.ts writes, and the older ones without a name, often *.dat.
//
//   GGUF   imatrix.datasets: texts, imatrix.chunk_count, imatrix.chunk_size: u32; for each matrix NAME
//          NAME.in_sum2 (nMatrices, nColumns) sums of squares, NAME.counts (nMatrices): importance = sum / count
//   older  | entries: i32 | entries × (name length: i32 | name | calls: i32 | n: i32 | n × f32) |, importance = number / calls;
//          then perhaps | chunks: i32 | length: i32 | name of the data set |
//
// Facts: llama.cpp (August 2026), tools/imatrix and common_load_imatrix of tools/quantize.

import { type BoundedReader, type ByteSource, createReader, printable, type SourceTensor } from "@ll/bytes";
import { decodeText, GGUF_MAGIC, GgufArray, openGguf } from "@ll/gguf";
import { ConvertError } from "./errors.ts";

/** Importance for the matrices of one tensor, one after the other. */
export interface ImportanceEntry {
  /** Numbers in all: (nMatrices, nColumns). */
  readonly length: number;
  /** Reads `count` of them, from `start`. @throws IoError */
  read(start: number, count: number): Promise<Float32Array>;
}

/** An open file of importance. It reads from its source for as long as entries are read. */
export interface Importance {
  /** By the name of the tensor, such as `blk.0.attn_q.weight`. */
  readonly entries: ReadonlyMap<string, ImportanceEntry>;
  /** Names of the texts that it was measured with. */
  readonly datasets: readonly string[];
  /** Pieces of those texts; 0 if that is not known. */
  readonly nChunks: number;
}

/** Experts of a tensor. Models have up to 512. */
const MAX_MATRICES = 65_536;

/** Entries of a file of the older format: as many as a model has tensors. */
const MAX_ENTRIES = 4096;

/** Bytes of a name, in the older format. */
const MAX_NAME_BYTES = 65_535;

const CHECK_VALUES: number = 2 ** 18;

/**
 * Opens a file of either format and looks at every number once.
 * @throws ConvertError `E_NUMBER` for importance that is negative or no number, `E_MISSING_TENSOR`, `E_SHAPE`, `E_LIMIT`, `E_DUP`, `E_TYPE`;
 *   GgufFormatError; IoError if the source fails
 */
export async function openImportance(source: ByteSource): Promise<Importance> {
  const reader = createReader(source, { ErrorClass: ConvertError });
  const isGguf = source.byteLength >= 4 && (await reader.u32("magic")) === GGUF_MAGIC;
  if (!isGguf) reader.seek(0, "entries");
  const importance = isGguf ? await openGgufImportance(source) : await readOldImportance(reader);
  for (const [name, entry] of importance.entries) await assertNumbers(source.name, name, entry);
  return importance;
}

/** The entries that are kept: those whose name contains one of `included`, if there are any, and none of `excluded`. */
export function chosenImportance(
  importance: Importance,
  { included = [], excluded = [] }: { readonly included?: readonly string[]; readonly excluded?: readonly string[] },
): Importance {
  const entries = [...importance.entries].filter(
    ([name]) =>
      (included.length === 0 || included.some((part) => name.includes(part))) &&
      !excluded.some((part) => name.includes(part)),
  );
  return { ...importance, entries: new Map(entries) };
}

async function assertNumbers(file: string, name: string, entry: ImportanceEntry): Promise<void> {
  for (let start = 0; start < entry.length; start += CHECK_VALUES) {
    const values = await entry.read(start, Math.min(CHECK_VALUES, entry.length - start));
    const bad = values.findIndex((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY));
    if (bad < 0) continue;
    throw new ConvertError({
      code: "E_NUMBER",
      file,
      field: name,
      expected: "finite numbers from 0",
      got: String(values[bad]),
      message: `importance ${start + bad} of '${printable(name)}' is ${values[bad]}`,
    });
  }
}

export const SUM_ENDING = ".in_sum2";
export const COUNT_ENDING = ".counts";

async function openGgufImportance(source: ByteSource): Promise<Importance> {
  const file = await openGguf(source);
  const datasets = file.metadata.get("imatrix.datasets");
  if (!(datasets instanceof GgufArray) || datasets.itemType !== "string") {
    throw wrong(source, "E_TYPE", "imatrix.datasets", "an array of texts", datasets?.type ?? "nothing");
  }
  const [nChunks = 0] = ["imatrix.chunk_count", "imatrix.chunk_size"].map((key) => {
    const value = file.metadata.get(key);
    if (value?.type === "u32") return value.value;
    throw wrong(source, "E_TYPE", key, "u32", value?.type ?? "nothing");
  });
  const entries = new Map<string, ImportanceEntry>();
  for (const tensor of file.tensors) {
    const ending = [SUM_ENDING, COUNT_ENDING].find((one) => tensor.name.endsWith(one));
    if (ending === undefined) continue;
    const name = tensor.name.slice(0, -ending.length);
    const sums = file.tensor(name + SUM_ENDING);
    const counts = file.tensor(name + COUNT_ENDING);
    if (sums === undefined || counts === undefined) {
      const missing = name + (sums === undefined ? SUM_ENDING : COUNT_ENDING);
      throw wrong(source, "E_MISSING_TENSOR", missing, "a tensor", "nothing");
    }
    if (ending === SUM_ENDING) entries.set(name, await ggufEntry(source, sums, counts));
  }
  const names = (await datasets.read("string")).map(decodeText);
  return { entries, datasets: names, nChunks };
}

async function ggufEntry(source: ByteSource, sums: SourceTensor, counts: SourceTensor): Promise<ImportanceEntry> {
  for (const { name, type } of [sums, counts]) if (type !== "f32") throw wrong(source, "E_TYPE", name, "f32", type);
  const length = sums.byteLength / 4;
  const nMatrices = counts.byteLength / 4;
  if (nMatrices > MAX_MATRICES) {
    throw wrong(source, "E_LIMIT", counts.name, `at most ${MAX_MATRICES} counts`, nMatrices);
  }
  if (nMatrices === 0 || length % nMatrices !== 0) {
    throw wrong(source, "E_SHAPE", counts.name, `a count for each matrix of ${length} sums`, nMatrices);
  }
  const nColumns = length / nMatrices;
  const divisors = await readFloats(counts, 0, nMatrices);
  // whole numbers, as they were counted; halves go away from zero
  for (const [e, count] of divisors.entries()) divisors[e] = Math.sign(count) * Math.floor(Math.abs(count) + 0.5);
  return {
    length,
    async read(start, count) {
      const values = await readFloats(sums, start, count);
      for (let i = 0; i < count; i++) {
        const divisor = divisors[Math.floor((start + i) / nColumns)] as number;
        values[i] = divisor > 0 ? (values[i] as number) / divisor : 1;
      }
      return values;
    },
  };
}

async function readFloats(tensor: Pick<SourceTensor, "read">, start: number, count: number): Promise<Float32Array> {
  const values = new Float32Array(count);
  await tensor.read(4 * start, new Uint8Array(values.buffer));
  return values;
}

async function readOldImportance(reader: BoundedReader): Promise<Importance> {
  const nEntries = await reader.i32("entries");
  reader.assertCount(nEntries, 12, "entries", MAX_ENTRIES);
  const entries = new Map<string, ImportanceEntry>();
  for (let index = 0; index < nEntries; index++) {
    reader.enter("entries", index);
    const name = await readText(reader, "name");
    if (entries.has(name)) {
      const message = `'${printable(name)}' has importance twice`;
      throw reader.error({ code: "E_DUP", field: "name", expected: "every name once", got: printable(name), message });
    }
    const nCalls = await reader.i32("calls");
    const length = await reader.i32("n");
    reader.assertCount(length, 4, "values");
    entries.set(name, oldEntry(reader.source, reader.offset, length, nCalls));
    reader.seek(reader.offset + 4 * length, "values");
    reader.leave();
  }
  if (reader.remaining === 0) return { entries, datasets: [], nChunks: 0 };
  const nChunks = await reader.i32("chunks");
  const dataset = reader.remaining > 0 ? await readText(reader, "dataset") : "";
  return { entries, datasets: dataset === "" ? [] : [dataset], nChunks: Math.max(0, nChunks) };
}

async function readText(reader: BoundedReader, field: string): Promise<string> {
  return decodeText(await reader.bytes(await reader.i32(`${field}.len`), field, MAX_NAME_BYTES));
}

function oldEntry(source: ByteSource, offset: number, length: number, nCalls: number): ImportanceEntry {
  const tensor = { read: (at: number, target: Uint8Array) => source.read(offset + at, target) };
  return {
    length,
    async read(start, count) {
      const values = await readFloats(tensor, start, count);
      if (nCalls > 0) for (let i = 0; i < count; i++) values[i] = (values[i] as number) / nCalls;
      return values;
    },
  };
}

function wrong(source: ByteSource, code: string, field: string, expected: string, got: string | number): ConvertError {
  const message = `this is no file of importance: '${printable(field)}' should be ${expected}, and is ${printable(String(got))}`;
  return new ConvertError({ code, file: source.name, field, expected, got, message });
}
