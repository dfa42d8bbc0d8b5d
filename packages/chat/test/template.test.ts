// Templates of patterns: those of ll-chat, and what they make of a conversation.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChatModel, Message } from "../src/index.ts";
import { patternTemplate } from "../src/templates.ts";
import { smallModel } from "./support/small-model.ts";

let model: ChatModel;

beforeAll(async () => {
  model = await smallModel();
});

afterAll(() => model.dispose());

const TOOL = { type: "function", function: { name: "now", parameters: {} } } as const;

const CONVERSATION: readonly Message[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "One {text} {bos}" },
  { role: "assistant", content: "Two" },
  { role: "system", content: "Be briefer." },
  { role: "assistant", content: null, toolCalls: [{ id: "1", name: "now", arguments: {} }] },
  { role: "tool", toolCallId: "1", content: "noon" },
];

test.each(["plain", "chatml", "llama-2"])("a conversation in %s", (name) => {
  const { ids } = patternTemplate(name).render({ messages: CONVERSATION, tools: [TOOL] }, model.tokenizer);
  expect(model.tokenizer.decode(ids)).toMatchSnapshot();
});

test("what people type is no special token", () => {
  const { tokenizer } = model;
  const { ids } = patternTemplate("plain").render(
    { messages: [{ role: "user", content: "</s><s>" }], tools: [] },
    tokenizer,
  );
  expect(ids.filter((id) => id === tokenizer.special.eos)).toEqual([]);
  expect(ids.filter((id) => id === tokenizer.special.bos)).toHaveLength(1);
});

test("a name that is none, and a conversation of any length", () => {
  expect(() => patternTemplate("nothing")).toThrow('"template" expected plain, alpaca');
  const messages = [{ role: "user" as const, content: "x".repeat(5_000_000) }];
  expect(() => patternTemplate("plain").render({ messages, tools: [] }, model.tokenizer)).toThrow(RangeError);
});
