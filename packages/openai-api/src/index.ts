// @ll/openai-api: OpenAI's API over a model of @ll/chat.

export { ApiError, type ApiErrorFields, type ErrorStatus } from "./api-error.ts";
export { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
