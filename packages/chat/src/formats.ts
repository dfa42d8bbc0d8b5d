// @ll/chat/formats: how families write thoughts and calls. Loaded when a template shows a format, or tools are given.

export {
  type CallFormat,
  type ForcedCalls,
  type Marks,
  type OutputFormat,
  outputFormatOf,
  PLAIN_FORMAT,
} from "./format/output-format.ts";
export { createOutputParser, endsInThought } from "./format/output-parser.ts";
export type { OutputParser, OutputParserOptions, OutputPart, ToolCall } from "./format/output-part.ts";
