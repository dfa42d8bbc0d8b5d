// What is said of a directory that was taken for a model. Loaded when a file cannot be opened.

import { stat } from "node:fs/promises";
import { IoError } from "@ll/bytes";

/** The error itself, unless there is a better one. */
export async function explained(from: unknown, cause: unknown): Promise<unknown> {
  const found = typeof from === "string" ? await stat(from).catch(() => undefined) : undefined;
  if (found?.isDirectory() !== true) return cause;
  const advice = "name a model file in it; of a checkpoint, ll-convert or @ll/convert makes one first";
  return new IoError({ code: "E_IO", file: from as string, message: `${from} is a directory: ${advice}`, cause });
}
