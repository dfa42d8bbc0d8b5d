// Errors of weight bytes. Bad arguments are TypeError and RangeError, see guards.ts.

import { FormatError, type FormatErrorFields } from "@ll/bytes";

/** Weight bytes, or a tensor's declared shape, that cannot be what they claim: `E_BLOCK`, `E_NUMBER`. */
export class WeightError extends FormatError {
  override readonly name: string = "WeightError";
}

/** What build 803 of llama.cpp says about a tensor that its `quantize` program refuses. */
export interface RefusalFields {
  readonly code: string;
  /** Name of the refused tensor; absent if the file type itself is refused. */
  readonly tensor?: string | undefined;
  /** Text after `llama_model_quantize: failed to quantize: `; two of build 803's three texts end in a newline of their own. */
  readonly toolText: string;
  /** Lines written to the standard error stream before that. */
  readonly notice?: readonly string[];
  readonly expected?: string | number | undefined;
  readonly got?: string | number | undefined;
}

/**
 * A tensor or a file type that `planQuantization` refuses, with codes of its own that no bad file has: `E_INPUT` (file type), `E_TENSOR_SIZE`,
 * `E_REQUANTIZE`.
 * `message` is `toolText` without the newline and without a location, which is in `tensor`.
 */
export class QuantizationError extends WeightError {
  override readonly name: string = "QuantizationError";
  readonly tensor: string | undefined;
  readonly toolText: string;
  readonly notice: readonly string[];

  constructor(fields: RefusalFields) {
    const base: FormatErrorFields = { code: fields.code, message: fields.toolText.trimEnd() };
    super({ ...base, expected: fields.expected, got: fields.got });
    this.tensor = fields.tensor;
    this.toolText = fields.toolText;
    this.notice = fields.notice ?? [];
  }
}
