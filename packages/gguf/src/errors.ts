import { FormatError, isFormatError } from "@ll/bytes";

/**
 * A file that is not a readable GGUF file, or a value of another type than was asked for.
 *
 * Codes: `E_MAGIC` another kind of file · `E_VERSION` a version, or big-endian numbers, that are not read · `E_TRUNC` the file ends
 * too early · `E_TRAILING` bytes after the last tensor · `E_RANGE` a number out of range · `E_LENGTH` a key, name or text too
 * long or empty · `E_LIMIT` too many records · `E_OVERFLOW` a number or size over 2^53 · `E_NAME` an unreadable key or name · `E_DUP`
 * a key or tensor twice · `E_TYPE` an unknown type of value, or not the type that was asked for · `E_DEPTH` arrays in arrays in
 * arrays · `E_ALIGN` an impossible alignment · `E_DTYPE` an unknown or removed tensor type · `E_BLOCK` rows that are no whole blocks ·
 * `E_OFFSET` tensors that overlap or leave holes · `E_PAD` padding that is not zero (only if strict) · `E_SPLIT` files that are no set.
 */
export class GgufFormatError extends FormatError {
  override readonly name: string = "GgufFormatError";
}

/** True for a `GgufFormatError` of any installed copy; with `code`, only for that code. */
export function isGgufFormatError(error: unknown, code?: string): error is GgufFormatError {
  return isFormatError(error, code) && error.name === "GgufFormatError";
}
