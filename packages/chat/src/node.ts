// @ll/chat/node: the same, and models by their paths.

import { openFileSource } from "@ll/bytes/node";
import type { ChatModel } from "./chat-model.ts";
import { type ModelInput, type OpenOptions, openModel as openAnyModel, openSource } from "./open-model.ts";

/**
 * Opens a ggml, ggmf, ggjt or GGUF file by its path, or as `openModel` of @ll/chat.
 * @throws as that; IoError
 */
export async function openModel(from: string | ModelInput, options: OpenOptions = {}): Promise<ChatModel> {
  if (typeof from !== "string") return openAnyModel(from, options);
  const source = await openFileSource(from);
  try {
    return await openSource(source, options);
  } finally {
    await source.close();
  }
}

export { restoreSession } from "./session.ts";
