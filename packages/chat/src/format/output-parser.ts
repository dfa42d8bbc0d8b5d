// The parser of a format.

import { HarmonyParser } from "./harmony-parser.ts";
import { MarkParser } from "./mark-parser.ts";
import type { OutputFormat } from "./output-format.ts";
import type { OutputParser, OutputParserOptions } from "./output-part.ts";

/** True if a prompt ends with the beginning of a thought, so that the answer goes on in it. */
export function endsInThought(format: OutputFormat, prompt: string): boolean {
  return format.thought !== undefined && prompt.trimEnd().endsWith(format.thought.open);
}

export function createOutputParser(from: OutputParserOptions): OutputParser {
  // where calls are asked for, a grammar makes all of them
  const options = from.isForced ? { ...from, maker: { begin: () => true, end: () => undefined } } : from;
  return options.format.channels === true ? new HarmonyParser(options) : new MarkParser(options);
}
