// Errors of a team: a worker that died, and memory that cannot be had.

import { IoError } from "@ll/bytes";

const WORKER_ERROR = Symbol.for("@ll/WorkerError");

/** A worker of the model died. The model cannot be used any longer: dispose of it and load it again. */
export class WorkerError extends Error {
  override readonly name: string = "WorkerError";
  readonly code = "E_WORKER";

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, WORKER_ERROR, { value: true });
  }
}

/** True for a `WorkerError` of any installed copy of this package. */
export function isWorkerError(error: unknown): error is WorkerError {
  return error instanceof Error && (error as unknown as Record<symbol, unknown>)[WORKER_ERROR] === true;
}

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
