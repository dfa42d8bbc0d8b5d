// What a conversation cannot do, in words for the person who talks.

import { isError } from "@ll/bytes";

export class ConversationError extends Error {
  override readonly name: string = "ConversationError";
  /** A turn that does not fit; nothing there to be answered again. */
  readonly code: "E_TOO_LONG" | "E_NO_TURN";

  constructor(code: ConversationError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** True for a `ConversationError` of any installed copy of this package. */
export function isConversationError(error: unknown): error is ConversationError {
  return isError(error) && (error as Error).name === "ConversationError";
}
