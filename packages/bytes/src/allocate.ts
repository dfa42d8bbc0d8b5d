// Memory that there may be none of.

import { IoError } from "./errors.ts";

/**
 * What `make` makes, an array or a memory whose size comes from a file or a request:
 * `allocate("the logits", () => new Float32Array(n))`.
 * @throws IoError `E_NOMEM` that says what it was for, where engines throw a RangeError that only its wording tells from others
 */
export function allocate<T>(purpose: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new IoError({ code: "E_NOMEM", message: `no memory for ${purpose}`, cause });
  }
}
