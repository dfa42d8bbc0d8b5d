// @ll/chat/node: the same, and models by their paths.

import { stat } from "node:fs/promises";
import { closeAll, IoError } from "@ll/bytes";
import { type FileSource, openFileSource } from "@ll/bytes/node";
import { openModelFile } from "@ll/model/node";
import type { ChatModel } from "./chat-model.ts";
import { type ModelInput, type OpenOptions, openFile } from "./open-model.ts";

/**
 * Opens a ggml, ggmf, ggjt or GGUF file by its path, or as `openModel` of @ll/chat. The path of one file of a split GGUF set opens all.
 * @throws as that; IoError, also for a directory
 */
export async function openModel(
  from: string | ModelInput,
  options: OpenOptions<string | ModelInput> = {},
): Promise<ChatModel> {
  const beside: FileSource[] = [];
  if (typeof from === "string") await assertNoDirectory(from);
  const file = await openModelFile(from);
  try {
    return await openFile(file, options, async (other) => {
      if (typeof other !== "string") return other;
      const source = await openFileSource(other);
      beside.push(source);
      return source;
    });
  } finally {
    await file.close();
    await closeAll(beside);
  }
}

async function assertNoDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined); // what else is wrong with it, opening tells
  if (found?.isDirectory() !== true) return;
  const advice = "name a model file in it; of a checkpoint, ll-convert or @ll/convert makes one first";
  throw new IoError({ code: "E_IO", file: path, message: `${path} is a directory: ${advice}` });
}

export { restoreSession } from "./session.ts";
