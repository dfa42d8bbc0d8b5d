// @ll/chat/node: the same, and models by their paths.

import { closeAll } from "@ll/bytes";
import { type FileSource, openFileSource, pathOf } from "@ll/bytes/node";
import { openModelFile } from "@ll/model/node";
import type { ChatModel } from "./chat-model.ts";
import { type ModelInput, type OpenOptions, openFile } from "./open-model.ts";

/**
 * Opens a ggml, ggmf, ggjt or GGUF file by its path or its file: address, or as `openModel` of @ll/chat. The path of one file of a split GGUF set opens all.
 * @throws as that; IoError, also for a directory
 */
export async function openModel(
  from: string | ModelInput,
  options: OpenOptions<string | ModelInput> = {},
): Promise<ChatModel> {
  const beside: FileSource[] = [];
  const file = await openModelFile(from).catch(async (error) => {
    throw await (await import("./directory.ts")).explained(from, error);
  });
  try {
    return await openFile(file, options, async (other) => {
      const path = pathOf(other);
      if (path === undefined) return other as ModelInput;
      const source = await openFileSource(path);
      beside.push(source);
      return source;
    });
  } finally {
    await file.close();
    await closeAll(beside);
  }
}

export { restoreSession } from "./session.ts";
