// The embedded model with a template of few words, so that a small context holds some turns.

import { SHORT_TEMPLATE, tinyModel } from "../../../../tools/tiny-model.ts";
import { type ChatModel, type OpenOptions, openModel } from "../../src/index.ts";

export async function smallModel(options: OpenOptions = {}): Promise<ChatModel> {
  return openModel(await tinyModel("q4_0"), { template: SHORT_TEMPLATE, contextTokens: 96, ...options });
}
