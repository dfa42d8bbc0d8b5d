// What is said of a directory or an address that was taken for the path of a model. Loaded when a file cannot be opened.

import { stat } from "node:fs/promises";
import { IoError } from "@ll/bytes";

/** The error itself, unless there is a better one. */
export async function explained(from: unknown, cause: unknown): Promise<unknown> {
  const advice = await adviceOn(from);
  return advice ? new IoError({ code: "E_IO", file: String(from), message: `${from} ${advice}`, cause }) : cause;
}

async function adviceOn(from: unknown): Promise<string | undefined> {
  if (typeof from === "string" && /^(hf|https?):/.test(from)) {
    return "is no path: pullModel of @ll/hub/node gives one";
  }
  const found = await stat(from as string).catch(() => undefined);
  if (found?.isDirectory() !== true) return undefined;
  return "is a directory: name a model file in it; of a checkpoint, @ll/convert makes one first";
}
