import { FormatError, isError } from "@ll/bytes";

/**
 * A model that is well formed but cannot become the file that was asked for.
 *
 * Codes: `E_MISMATCH` vocabulary and header disagree · `E_DTYPE` a tensor type that has no conversion ·
 * `E_LIMIT` more than a model file can hold · `E_VOCAB` a vocabulary entry that the other container cannot spell ·
 * `E_NUMBER` weights that the new type cannot hold · `E_UNSUPPORTED` a vocabulary of another kind ·
 * `E_MISSING_TENSOR`, `E_UNKNOWN_TENSOR`, `E_SHAPE` tensors that are not those of a LLaMA.
 */
export class ConvertError extends FormatError {
  override readonly name: string = "ConvertError";
}

/** True for a `ConvertError` of any installed copy; with `code`, only for that code. */
export function isConvertError(error: unknown, code?: string): error is ConvertError {
  return (
    isError(error) && error.name === "ConvertError" && (code === undefined || (error as ConvertError).code === code)
  );
}
