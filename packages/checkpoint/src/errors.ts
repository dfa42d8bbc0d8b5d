// The one error class of this package; `code` is one of the bad-input corpus, such as `E_PICKLE_OP`.

import { FormatError, isFormatError } from "@ll/bytes";

/** A checkpoint file that is not what its format promises, or that asks for something this reader refuses to do. */
export class CheckpointError extends FormatError {
  override readonly name: string = "CheckpointError";
}

/** True for a `CheckpointError` of any installed copy; with `code`, only for that code. */
export function isCheckpointError(error: unknown, code?: string): error is CheckpointError {
  return isFormatError(error, code) && error.name === "CheckpointError";
}
