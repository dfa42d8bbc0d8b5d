// @ll/cli/jobs: the work of these programs, for whoever hands it out in parts: the windows of ll-perplexity, whole runs of ll-quantize and
// ll-convert.

export { convertCommand } from "./commands/convert.ts";
export { chunkText, createScore, perplexityText } from "./commands/perplexity/chunks.ts";
export { openWindowScorer, type WindowScorer, windowsOf } from "./commands/perplexity/windows.ts";
export { quantizeCommand } from "./commands/quantize.ts";
export { readTextFile, withoutFinalNewline } from "./text-input.ts";
