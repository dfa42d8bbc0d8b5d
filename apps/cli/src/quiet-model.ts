// Models loaded as ll-main loads them, for programs that do not print its lines.

import { printable } from "@ll/bytes";
import type { Io } from "./command.ts";
import { ReportedError } from "./errors.ts";
import { type LoadedModel, loadModel } from "./inference/model-loading.ts";
import type { RunParams } from "./inference/params.ts";
import { NOWHERE } from "./terminal.ts";

/** Of what is said meanwhile, only warnings are shown, and on a terminal how far it has come. @throws whatever the readers throw, for the frame to report */
export async function loadQuietly(params: RunParams, io: Io, warns: boolean = !params.quiet): Promise<LoadedModel> {
  try {
    const loaded = await loadModel(params, { ...io, err: NOWHERE }, io);
    if (warns) for (const text of loaded.warnings) io.err.write(`warning: ${printable(text, 512)}\n`);
    return loaded;
  } catch (error) {
    throw error instanceof ReportedError ? error.cause : error;
  }
}
