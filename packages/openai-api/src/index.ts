// @ll/openai-api: OpenAI's API over a model of @ll/chat.

export { ApiError, type ApiErrorFields, type ErrorStatus, methodNotAllowed } from "./api-error.ts";
export type { AnswerObserver } from "./context.ts";
export { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
export { propertiesOf } from "./model-routes.ts";
export { type JsonObject, jsonObjectOf } from "./request-body.ts";
export type { ChoiceEvent } from "./run-choices.ts";
