// The embedded model with a template of few words, so that a small context holds some turns.

import { tinyModel } from "../../../../tools/tiny-model.ts";
import { type ChatModel, type OpenOptions, openModel, type Template } from "../../src/index.ts";

export const SHORT_TEMPLATE: Template = {
  name: "short",
  system: "",
  systemBlock: "{text}\n",
  start: "{bos}{system}",
  user: "Q: {text}\nA:",
  answerEnd: "\n",
  stop: ["\nQ:"],
};

export async function smallModel(options: OpenOptions = {}): Promise<ChatModel> {
  return openModel(await tinyModel("q4_0"), { template: SHORT_TEMPLATE, contextTokens: 96, ...options });
}
