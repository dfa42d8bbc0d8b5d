// Plans come from files, and a file may ask for what no model file can hold.

import { type GgmlPlan, ggmlFileBytes } from "@ll/ggml-format";
import { ConvertError } from "./errors.ts";

/** Exact size of the planned file in bytes. @throws ConvertError `E_LIMIT` for a file that nobody could read */
export function plannedBytes(plan: GgmlPlan): number {
  try {
    return ggmlFileBytes(plan);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConvertError({ code: "E_LIMIT", message: `no model file can hold this: ${cause.message}`, cause });
  }
}
