import { FormatError, isError } from "@ll/bytes";

/**
 * A file that is not a readable ggml, ggmf or ggjt file, or not the model that was asked for.
 *
 * Codes: `E_MAGIC` another kind of file · `E_VERSION` a version or block layout that is not read · `E_TRUNC` the file ends
 * too early · `E_TRAILING` bytes after the last tensor · `E_RANGE` a number out of range · `E_LENGTH` a text or name too
 * long · `E_LIMIT` too many records · `E_FTYPE` unknown file type · `E_DTYPE` unknown tensor type · `E_BLOCK` rows that are no
 * whole blocks · `E_OVERFLOW` a tensor over 2^53 bytes · `E_NAME` an unreadable tensor name · `E_DUP` a tensor twice ·
 * `E_PAD` padding that is not zero (only if strict) · from `checkLlamaTensors`: `E_HPARAM`, `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR`,
 * `E_SHAPE`, `E_DTYPE` · from `openLora`: `E_EMPTY` no pair, `E_MISSING_TENSOR` half a pair, `E_SHAPE` halves of different rank.
 */
export class GgmlFormatError extends FormatError {
  override readonly name: string = "GgmlFormatError";
}

/** True for a `GgmlFormatError` of any installed copy; with `code`, only for that code. */
export function isGgmlFormatError(error: unknown, code?: string): error is GgmlFormatError {
  return (
    isError(error) &&
    error.name === "GgmlFormatError" &&
    (code === undefined || (error as GgmlFormatError).code === code)
  );
}
