// What a team throws when there is not enough memory for it.

import { IoError } from "@ll/bytes";

/** An `IoError` `E_NOMEM` that says how much memory was wanted. */
export class MemoryError extends IoError {
  /** What the memory was for. */
  readonly purpose: string;
  /** Bytes that were wanted, of one WebAssembly memory. */
  readonly need: number;
  /** Bytes that may be had. */
  readonly have: number;

  constructor(purpose: string, need: number, have: number, cause?: unknown) {
    super({
      code: "E_NOMEM",
      message: `no memory for ${purpose}: ${need} bytes are needed, ${have} can be had`,
      cause,
    });
    this.purpose = purpose;
    this.need = need;
    this.have = have;
  }
}
