// @ll/chat/node: the same, and models by their paths.

import { openModelFile } from "@ll/model/node";
import type { ChatModel } from "./chat-model.ts";
import { type ModelInput, type OpenOptions, openFile } from "./open-model.ts";

/**
 * Opens a ggml, ggmf, ggjt or GGUF file by its path, or as `openModel` of @ll/chat. The path of one file of a split GGUF set opens all.
 * @throws as that; IoError
 */
export async function openModel(from: string | ModelInput, options: OpenOptions = {}): Promise<ChatModel> {
  const file = await openModelFile(from);
  try {
    return await openFile(file, options);
  } finally {
    await file.close();
  }
}

export { restoreSession } from "./session.ts";
