// @ll/chat: from a model file to a conversation.

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
