// A chat with the embedded model.

import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, createScalarModel, loadWeights, type Model } from "@ll/llama";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { tinyModel } from "../../../../../tools/tiny-model.ts";
import { type Chat, createChat } from "../../../src/commands/chat/chat.ts";
import { type ChatParams, defaultChatParams } from "../../../src/commands/chat/options.ts";
import { loadTemplate } from "../../../src/commands/chat/template.ts";

let loaded: Promise<{ model: Model; tokenizer: Tokenizer }> | undefined;

async function load(): Promise<{ model: Model; tokenizer: Tokenizer }> {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const model = createScalarModel(await loadWeights(file, configFromGgml(file.hyperParams)));
  return { model, tokenizer: createTokenizer(file.vocab) };
}

/** A short system prompt, so that tests do not evaluate much; seed 7; answers of 12 tokens; and these settings. */
export async function tinyChat(
  settings: Readonly<Record<string, string>> = {},
  files: Partial<Pick<ChatParams, "model" | "lora" | "template">> = {},
): Promise<Chat> {
  loaded ??= load();
  const { model, tokenizer } = await loaded;
  const params = { ...defaultChatParams(1), contextTokens: 256, seed: 7, system: "Talk.", ...files };
  const template = await loadTemplate("alpaca"); // whatever `files` says
  const context = await model.createContext({ contextTokens: params.contextTokens });
  const parts = { context, tokenizer, params, settings: [], template };
  const chat = createChat({ ...parts, now: () => performance.now() });
  for (const [name, value] of Object.entries({ "n-predict": "12", ...settings })) await chat.set(name, value);
  return chat;
}

/** Asks, and returns the text of the answer. */
export async function ask(chat: Chat, text: string): Promise<string> {
  let answer = "";
  await chat.ask(text, {
    onText: (piece) => {
      answer += piece;
    },
  });
  return answer;
}
