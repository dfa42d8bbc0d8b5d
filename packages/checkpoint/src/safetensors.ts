// safetensors: u64 header length | JSON header | data. The header gives dtype, shape and span of every tensor;
// the spans must fill the data exactly (https://github.com/huggingface/safetensors).

import {
  assertSource,
  type Budget,
  type BudgetOptions,
  type ByteSource,
  headerBudget,
  type SourceTensor,
  type TensorSource,
} from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { magicHint } from "./file-magic.ts";
import { JsonReader } from "./json-reader.ts";
import { HEADER_DEPTH, METADATA_BYTES, RANK, SAFETENSORS_HEADER_BYTES, TENSORS } from "./limits.ts";
import { countElements, elementBytes, spanTensor } from "./source-tensor.ts";

export interface SafetensorsFile extends TensorSource {
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** `dtype` of the header → element type. The types of less than 8 bits are left out: no model that is read has them. */
const DTYPES: ReadonlyMap<string, string> = new Map(
  ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"].map(
    (dtype) => [dtype, dtype.toLowerCase()],
  ),
);

/** What an entry consists of, for messages. */
const MEMBERS = "dtype, shape, data_offsets";

/** One entry of the header. */
interface Entry {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** First byte and one past the last, from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

/** @throws CheckpointError, before anything larger than the header is allocated. */
export async function openSafetensors(source: ByteSource, options: BudgetOptions = {}): Promise<SafetensorsFile> {
  assertSource(source);
  const budget = options.budget ?? headerBudget(source.byteLength, source.name, CheckpointError);
  const header = await readHeader(source, budget);
  const entries: Entry[] = [];
  const metadata = new Map<string, string>();
  // the header is walked through, not built: a hundred megabytes of it cost little more than its entries
  const json = new JsonReader(header, {
    file: source.name,
    baseOffset: 8,
    maxDepth: HEADER_DEPTH,
    depthCode: "E_DEPTH",
    budget,
  });
  const kind = json.peek();
  if (kind !== "object") {
    json.read(); // says so if the value is not even JSON, or nested too deeply
    throw json.error("E_JSON", "the header is not a JSON object", { field: "header", expected: "object", got: kind });
  }
  json.object((name) => {
    if (name === "__metadata__") {
      readMetadata(json, metadata);
    } else {
      if (entries.length >= TENSORS) {
        const values = { field: "header", expected: `at most ${TENSORS}`, got: TENSORS + 1 };
        throw json.error("E_LIMIT", "too many tensors", values);
      }
      budget.takeItems(1, "header");
      entries.push(readEntry(json, name));
    }
  });
  json.end();
  const dataOffset = 8 + header.byteLength;
  assertFilled(source, entries, dataOffset);

  const tensors = new Map<string, SourceTensor>();
  for (const { name, type, shape, begin, end } of entries) {
    tensors.set(name, spanTensor(name, type, shape, source, dataOffset + begin, end - begin));
  }
  return { tensors, metadata, names: () => tensors.keys(), tensor: (name) => tensors.get(name) };
}

/**
 * The JSON text. A file of another format has a header length far beyond its own size, so its magic is asked only then.
 * @throws `E_TRUNC`, `E_LENGTH` or `E_MAGIC`
 */
async function readHeader(source: ByteSource, budget: Budget): Promise<Uint8Array> {
  const fields = { file: source.name, offset: 0, field: "header length" };
  if (source.byteLength < 8) {
    const message = "file too short for a header length";
    throw new CheckpointError({ ...fields, code: "E_TRUNC", expected: "8 bytes", got: source.byteLength, message });
  }
  const lengthBytes = new Uint8Array(8);
  await source.read(0, lengthBytes);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  const most = Math.min(SAFETENSORS_HEADER_BYTES, source.byteLength - 8);
  if (length > BigInt(most)) {
    const hint = magicHint(lengthBytes);
    throw new CheckpointError({
      ...fields,
      code: hint === undefined ? "E_LENGTH" : "E_MAGIC",
      expected: `at most ${most}`,
      got: hint ?? `${length}`,
      message: hint === undefined ? `header length ${length} is too large` : `not a safetensors file: ${hint}`,
    });
  }
  budget.takeBytes(Number(length), "header", 8);
  const header = new Uint8Array(Number(length));
  await source.read(8, header);
  return header;
}

/** @throws `E_META` unless every value is text; `E_LIMIT` over `METADATA_BYTES`. */
function readMetadata(json: JsonReader, metadata: Map<string, string>): void {
  const bad = (field: string, got: string) =>
    json.error("E_META", "metadata must be an object of strings", { field, expected: "string", got });
  const kind = json.peek();
  if (kind !== "object") throw bad("__metadata__", kind);
  let bytes = 0;
  json.object((key) => {
    const value = json.read();
    if (value.kind !== "string") throw bad(`__metadata__.${key}`, value.kind);
    bytes += key.length + value.text.length;
    if (bytes > METADATA_BYTES) {
      const field = "__metadata__";
      throw json.error("E_LIMIT", "metadata too large", { field, expected: `at most ${METADATA_BYTES}`, got: bytes });
    }
    metadata.set(key, value.text);
  });
}

/** `{"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}`, members in any order, each exactly once. */
function readEntry(json: JsonReader, name: string): Entry {
  let type: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const kind = json.peek();
  if (kind !== "object") {
    throw json.error("E_FIELD", "an entry is not an object", { field: name, expected: "object", got: kind });
  }
  json.object((member) => {
    const field = `${name}.${member}`;
    if (member === "dtype") type = readType(json, field);
    else if (member === "shape") shape = readIntegers(json, field, RANK, "E_LIMIT", "E_OVERFLOW");
    else if (member === "data_offsets") offsets = readIntegers(json, field, 2, "E_INT", "E_INT");
    else throw json.error("E_FIELD", `unknown member "${member}"`, { field, expected: MEMBERS, got: member });
  });
  if (type === undefined || shape === undefined || offsets === undefined) {
    throw json.error("E_FIELD", "an entry lacks a member", { field: name, expected: MEMBERS, got: "fewer" });
  }
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    const field = `${name}.data_offsets`;
    throw json.error("E_INT", "two offsets needed", { field, expected: 2, got: offsets.length });
  }
  if (begin > end) {
    const field = `${name}.data_offsets`;
    throw json.error("E_RANGE", "a span ends before it begins", { field, expected: `at least ${begin}`, got: end });
  }
  assertSpanFits(json, name, { type, shape, begin, end });
  return { name, type, shape, begin, end };
}

/** @throws `E_OVERFLOW` for a shape of more than 2^53 − 1 bytes; `E_SHAPE` unless the span has exactly the bytes of the shape. */
function assertSpanFits(json: JsonReader, name: string, entry: Omit<Entry, "name">): void {
  const nElements = countElements(entry.shape);
  const bytes = nElements === undefined ? undefined : nElements * elementBytes(entry.type);
  if (bytes === undefined || !Number.isSafeInteger(bytes)) {
    const got = entry.shape.join(" x ");
    throw json.error("E_OVERFLOW", "shape too large", {
      field: `${name}.shape`,
      expected: "at most 2^53 - 1 bytes",
      got,
    });
  }
  const got = entry.end - entry.begin;
  if (got !== bytes) {
    const message = `shape and type need ${bytes} bytes, the span has ${got}`;
    throw json.error("E_SHAPE", message, { field: name, expected: bytes, got });
  }
}

/** @throws `E_DTYPE` */
function readType(json: JsonReader, field: string): string {
  const value = json.read();
  const type = value.kind === "string" ? DTYPES.get(value.text) : undefined;
  if (type === undefined) {
    const got = value.kind === "string" ? value.text : value.kind;
    throw json.error("E_DTYPE", `dtype ${got} is not read`, { field, expected: [...DTYPES.keys()].join(" "), got });
  }
  return type;
}

/** An array of at most `max` integers, written without sign, fraction or exponent. */
function readIntegers(json: JsonReader, field: string, max: number, manyCode: string, largeCode: string): number[] {
  const integers: number[] = [];
  const kind = json.peek();
  if (kind !== "array") throw json.error("E_INT", "an array expected", { field, expected: "array", got: kind });
  json.array((index) => {
    if (index >= max) {
      throw json.error(manyCode, `more than ${max} numbers`, { field, expected: `at most ${max}`, got: index + 1 });
    }
    const value = json.read();
    const digits = value.kind === "number" ? value.digits : value.kind;
    if (!/^\d+$/.test(digits))
      throw json.error("E_INT", "an integer expected", { field, expected: "integer", got: digits });
    const integer = Number(digits);
    if (!Number.isSafeInteger(integer)) {
      throw json.error(largeCode, "integer too large", { field, expected: "at most 2^53 - 1", got: digits });
    }
    integers.push(integer);
  });
  return integers;
}

/** @throws `E_OVERLAP`, `E_HOLE`, `E_TRUNC` or `E_TRAILING` unless the spans, sorted, fill the data exactly. */
function assertFilled(source: ByteSource, entries: readonly Entry[], dataOffset: number): void {
  // sorted by place, each span must begin where the one before it ended; empty tensors sort before their neighbour
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of sorted) {
    if (entry.begin !== end) {
      throw new CheckpointError({
        code: entry.begin < end ? "E_OVERLAP" : "E_HOLE",
        file: source.name,
        offset: dataOffset + entry.begin,
        field: `${entry.name}.data_offsets`,
        expected: end,
        got: entry.begin,
        message: entry.begin < end ? "tensors overlap" : "bytes that belong to no tensor",
      });
    }
    end = entry.end;
  }
  const present = source.byteLength - dataOffset;
  if (end !== present) {
    throw new CheckpointError({
      code: end > present ? "E_TRUNC" : "E_TRAILING",
      file: source.name,
      offset: dataOffset + Math.min(end, present),
      field: "data",
      expected: `${end} bytes`,
      got: `${present} bytes`,
      message: end > present ? "file ends inside the data" : "bytes after the last tensor",
    });
  }
}
