// Turns as ids by the template of a file.

import type { Tokenizer } from "@ll/tokenizer";
import type { Message } from "../messages.ts";
import type { ChatTemplate, RenderedPrompt } from "../template/chat-template.ts";
import type { Turn } from "./turn.ts";

export interface TemplateWriter {
  /** Ids of turns, the last of which is to be answered. @throws TemplateError */
  write(turns: readonly Turn[], told: { readonly system: string; readonly think: boolean | undefined }): RenderedPrompt;
}

export function createTemplateWriter(template: ChatTemplate, tokenizer: Tokenizer): TemplateWriter {
  return {
    write(turns, { system, think }) {
      const messages = turns.flatMap(({ user, answer, reasoning }, i): Message[] => {
        const asked: Message = { role: "user", content: user };
        if (i === turns.length - 1) return [asked];
        return [asked, { role: "assistant", content: answer, ...(reasoning !== undefined && { reasoning }) }];
      });
      const all: Message[] = system === "" ? messages : [{ role: "system", content: system }, ...messages];
      return template.render({ messages: all, tools: [], think }, tokenizer);
    },
  };
}
