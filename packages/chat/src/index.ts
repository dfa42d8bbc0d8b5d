// @ll/chat: from a model file to a conversation.

export { DEFAULT_DRAFT_TOKENS, MAX_DRAFT_TOKENS } from "@ll/llama";
export type { Pooling } from "@ll/model";
export type { Answer, AnswerEvent, AnswerResult, Finish, Timings, TokenLogprob, Usage } from "./answer.ts";
export type {
  ChatModel,
  ChatOptions,
  CompleteOptions,
  EmbedOptions,
  ModelInfo,
  SavedSession,
  Session,
  SessionOptions,
} from "./chat-model.ts";
export { type ChatModelParts, createChatModel } from "./create-chat-model.ts";
export { AnswerError, type AnswerErrorCode, isAnswerError } from "./errors.ts";
export type { ToolCall } from "./format/output-part.ts";
export type { AnswerSampling, GenerateOptions } from "./generate.ts";
export type { AssistantMessage, Message, TextMessage, Tool, ToolContext, ToolMessage, Tools } from "./messages.ts";
export { type ModelInput, type OpenOptions, openModel } from "./open-model.ts";
export type { EngineStats, SchedulerOptions, StepReport } from "./scheduler.ts";
export type { JsonSchema, Schema, SchemaOutput, StandardJsonSchema } from "./schema.ts";
export type { SlotStats } from "./sequence.ts";
export { restoreSession } from "./session.ts";
export type { ChatTemplate } from "./template/chat-template.ts";
export type { Template } from "./template/pattern-template.ts";
