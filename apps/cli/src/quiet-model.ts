// Models loaded as ll-main loads them, for programs that do not print its lines.

import type { Io } from "./command.ts";
import { ReportedError } from "./errors.ts";
import { type LoadedModel, loadModel } from "./inference/model-loading.ts";
import type { RunParams } from "./inference/params.ts";
import { term } from "./terminal.ts";

/** @throws whatever the readers throw, for the frame to report */
export async function loadQuietly(params: RunParams, io: Io): Promise<LoadedModel> {
  try {
    return await loadModel(params, { ...io, err: term({ write: () => undefined }) });
  } catch (error) {
    throw error instanceof ReportedError ? error.cause : error;
  }
}
