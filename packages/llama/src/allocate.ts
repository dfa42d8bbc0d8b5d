// Large arrays, which there may be no memory for.

import { IoError } from "@ll/bytes";

/** A new array of zeros. @throws IoError `E_NOMEM` that says what it was for */
export function allocate<A>(Elements: new (length: number) => A, length: number, purpose: string): A {
  try {
    return new Elements(length);
  } catch (cause) {
    throw new IoError({ code: "E_NOMEM", message: `no memory for ${purpose}`, cause });
  }
}
