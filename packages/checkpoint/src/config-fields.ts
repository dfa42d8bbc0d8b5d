// Checked values of config.json and params.json.

import { assertSource, type BudgetOptions, type ByteSource, headerBudget } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { JsonReader, type JsonValue } from "./json-reader.ts";
import { CONFIG_BYTES, CONFIG_DEPTH } from "./limits.ts";

/** Keys that no configuration has and that some programs would follow into their own internals. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The largest value of the 32-bit fields of a ggml header. */
const MAX_INTEGER = 2 ** 31 - 1;

/** Positions that a LLaMA is taken to be trained for if its files do not say. */
const CONTEXT_TOKENS = 2048;

/**
 * Opens a JSON file whose value must be an object.
 * @throws `E_LIMIT` over `CONFIG_BYTES`; `E_JSON` if it begins with anything but an object.
 */
export async function openConfig(
  source: ByteSource,
  options: BudgetOptions & { readonly forbiddenKeys?: ReadonlySet<string> } = {},
): Promise<JsonReader> {
  assertSource(source);
  if (source.byteLength > CONFIG_BYTES) {
    throw new CheckpointError({
      code: "E_LIMIT",
      file: source.name,
      offset: 0,
      field: "json",
      expected: `at most ${CONFIG_BYTES} bytes`,
      got: source.byteLength,
      message: "configuration file too large",
    });
  }
  const budget = options.budget ?? headerBudget(source.byteLength, source.name, CheckpointError);
  budget.takeBytes(source.byteLength, "json", 0);
  const bytes = new Uint8Array(source.byteLength);
  await source.read(0, bytes);
  const start = textStart(bytes, source.name);
  const json = new JsonReader(bytes.subarray(start), {
    ...options,
    baseOffset: start,
    budget,
    file: source.name,
    maxDepth: CONFIG_DEPTH,
    depthCode: "E_LIMIT",
  });
  const kind = json.peek();
  if (kind !== "object") {
    throw json.error("E_JSON", "a JSON object expected", { field: "json", expected: "object", got: kind });
  }
  return json;
}

/** Where UTF-8 begins: behind a byte order mark, which editors on Windows write. @throws `E_JSON` for UTF-16 */
function textStart(bytes: Uint8Array, file: string | undefined): number {
  const [a, b, c] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new CheckpointError({
      code: "E_JSON",
      file,
      offset: 0,
      field: "json",
      expected: "UTF-8",
      got: "UTF-16",
      message: "a text in UTF-16, which JSON is not read from: save it as UTF-8",
    });
  }
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
}

/** An integer from `min` to 2^31 − 1, written as one. @throws `E_FIELD` for anything else; `rangeCode` below `min`. */
export function readInteger(json: JsonReader, field: string, min: number, rangeCode = "E_FIELD"): number {
  const value = json.read();
  const digits = value.kind === "number" ? value.digits : "";
  const integer = Number(digits);
  if (!/^-?\d+$/.test(digits) || integer > MAX_INTEGER) {
    throw fieldError(json, "E_FIELD", field, `an integer up to ${MAX_INTEGER}`, value);
  }
  if (integer < min) throw fieldError(json, rangeCode, field, `at least ${min}`, value);
  return integer;
}

/** The size of the vocabulary, 1 or more; or −1, which leaves it to the tokenizer. */
export function readVocabSize(json: JsonReader, field: string): number {
  const value = readInteger(json, field, -1);
  if (value !== 0) return value;
  throw fieldError(json, "E_FIELD", field, "1 or more, or -1", { kind: "number", digits: "0" });
}

/** `readVocabSize` as a member of declared parameters. */
export function vocabSize(value: number): { nVocab?: number } {
  return value > 0 ? { nVocab: value } : {};
}

/** A finite number above 0. @throws `E_FIELD` if it is no number; `rangeCode` if it is 0, negative or infinite. */
export function readPositive(json: JsonReader, field: string, rangeCode = "E_FIELD"): number {
  const value = json.read();
  if (value.kind !== "number") throw fieldError(json, "E_FIELD", field, "a number", value);
  const number = Number(value.digits);
  if (!(number > 0) || number === Number.POSITIVE_INFINITY) {
    throw fieldError(json, rangeCode, field, "a number above 0", value);
  }
  return number;
}

/** Text; undefined for null. @throws `E_FIELD` */
export function readText(json: JsonReader, field: string): string | undefined {
  const value = json.read();
  if (value.kind === "null") return undefined;
  if (value.kind !== "string") throw fieldError(json, "E_FIELD", field, "text", value);
  return value.text;
}

/** True or false; undefined for null. @throws `E_FIELD` */
export function readFlag(json: JsonReader, field: string): boolean | undefined {
  const value = json.read();
  if (value.kind === "null") return undefined;
  if (value.kind !== "boolean") throw fieldError(json, "E_FIELD", field, "true or false", value);
  return value.value;
}

/** One id or a list of ids; negative ones, which stand for "none", are left out, and null is none. @throws `E_FIELD` */
export function readTokenIds(json: JsonReader, field: string): readonly number[] {
  const ids: number[] = [];
  const one = (): void => void unlessNull(json, () => ids.push(readInteger(json, field, -MAX_INTEGER)));
  if (json.peek() === "array") json.array(one);
  else one();
  return ids.filter((id) => id >= 0);
}

/** Reads with `read` unless the value is null, which many configurations write for "not set". */
export function unlessNull<T>(json: JsonReader, read: () => T): T | undefined {
  if (json.peek() !== "null") return read();
  json.read();
  return undefined;
}

/** An error that shows the value; the caller throws it. */
export function fieldError(
  json: JsonReader,
  code: string,
  field: string,
  expected: string,
  value: JsonValue,
  hint?: string,
): CheckpointError {
  const got = show(value);
  return json.error(code, `"${field}" expected ${expected}, got ${got}`, { field, expected, got, hint });
}

/** A value as it stands in the file. */
function show(value: JsonValue): string {
  switch (value.kind) {
    case "number":
      return value.digits;
    case "string":
      return JSON.stringify(value.text);
    case "boolean":
      return String(value.value);
    default:
      return value.kind;
  }
}

/** @throws `E_FIELD` naming the file if a field that must be there was not. */
export function requireField<T>(source: ByteSource, field: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new CheckpointError({
    code: "E_FIELD",
    file: source.name,
    offset: 0,
    field,
    expected: "a value",
    got: "none",
    message: `"${field}" is missing`,
  });
}

/** @throws `E_HPARAM` unless `divisor` divides `value`. */
export function assertDivides(
  source: Pick<ByteSource, "name">,
  field: string,
  divisor: number,
  valueField: string,
  value: number,
): void {
  if (value % divisor === 0) return;
  throw new CheckpointError({
    code: "E_HPARAM",
    file: source.name,
    offset: 0,
    field,
    expected: `a divisor of ${valueField} (${value})`,
    got: divisor,
    message: `"${field}" ${divisor} does not divide "${valueField}" ${value}`,
  });
}

/** @throws `E_UNSUPPORTED` unless heads are nEmbd / nHeads wide: a ggml header has no place for another width. */
export function assertHeadDim(source: ByteSource, headDim: number | undefined, nEmbd: number, nHeads: number): void {
  if (headDim === undefined || headDim * nHeads === nEmbd) return;
  throw new CheckpointError({
    code: "E_UNSUPPORTED",
    file: source.name,
    offset: 0,
    field: "head_dim",
    expected: nEmbd / nHeads,
    got: headDim,
    message: `heads of ${headDim} values are not read, only of ${nEmbd / nHeads}`,
  });
}

/**
 * What to say of a window that is shorter than the context, in which every layer looks back: nothing of it is read, as in llama.cpp,
 * which changes nothing for texts that fit it. Mistral 7B of 2023 has one. Layers of two kinds are refused elsewhere.
 */
export function unreadWindow(window: number | undefined, contextTokens: number = CONTEXT_TOKENS): string[] {
  return window === undefined || window >= contextTokens
    ? []
    : [`sliding_window (texts of up to ${window} tokens are exact)`];
}
