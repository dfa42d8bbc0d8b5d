// @ll/cli/frame: what the programs of other apps have in common with these: options, help, messages, exit codes, signals, progress, models
// by name.

export type { Command, Io } from "./command.ts";
export { type CompletedOption, completionScript } from "./completion.ts";
export { Refusal, ReportedError, UsageError } from "./errors.ts";
export { ExitCode, exitCodeOf } from "./exit-codes.ts";
export { modelPath } from "./model-path.ts";
export { flagRow, jsonRow, silentRow, valueRow } from "./option-rows.ts";
export { helpRow, invalidParameter, type OptionSpec } from "./option-table.ts";
export { allOptions, type Program, readCommandLine, usageError } from "./program.ts";
export { createProgress, duration, type Progress } from "./progress.ts";
export { runAsProcess, runReported } from "./run-program.ts";
export { onEnd } from "./signals.ts";
export { closest } from "./suggest.ts";
export { columnsOf, wrapText } from "./text-wrap.ts";
export { countText, sizeText } from "./units.ts";
export { manifestVersion, versionLine } from "./version.ts";
