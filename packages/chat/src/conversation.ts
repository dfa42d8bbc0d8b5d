// @ll/chat/conversation: one conversation on one context, read ahead while its user types.

export { type ContextWish, fittingContext } from "./context-size.ts";
export {
  type Answer,
  type AnswerOptions,
  type Conversation,
  type ConversationParts,
  type ConversationSettings,
  createConversation,
  type Finish,
} from "./conversation/conversation.ts";
export { ConversationError, isConversationError } from "./conversation/conversation-error.ts";
export { createPatternWriter, type PatternWriter } from "./conversation/pattern-writer.ts";
export { createTemplateWriter, type TemplateWriter } from "./conversation/template-writer.ts";
export type { Turn } from "./conversation/turn.ts";
