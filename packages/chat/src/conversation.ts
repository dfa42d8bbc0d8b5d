// @ll/chat/conversation: one conversation on one context, read ahead while its user types.

export { isSameVocabulary } from "./beside.ts";
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
export type { Turn } from "./conversation/turn.ts";
