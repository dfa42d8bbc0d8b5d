// @ll/chat/formats: how families write thoughts and calls. Loaded when a template shows a format, or tools are given.

export { outputFormatOf, PLAIN_FORMAT } from "./format/known-formats.ts";
export type {
  CallFormat,
  ForcedCalls,
  Marks,
  OutputFormat,
} from "./format/output-format.ts";
export { createOutputParser, endsInThought } from "./format/output-parser.ts";
export type { OutputParser, OutputParserOptions, OutputPart, ToolCall } from "./format/output-part.ts";
