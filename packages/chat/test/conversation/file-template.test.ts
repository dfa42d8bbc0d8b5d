// A conversation by the template of a file: thoughts are told apart, and the cache holds what prompts have in common.

import { describe, expect, test } from "vitest";
import { type Conversation, createConversation } from "../../src/conversation.ts";
import { jinjaTemplate } from "../../src/jinja.ts";
import { EOS, type ScriptedModel, scriptedModel, tokenizer } from "../support/scripted-model.ts";

const SOURCE =
  "{% for m in messages %}{{ m.role[0] ~ ': ' ~ m.content.split('</think>')[-1] }}\n{% endfor %}" +
  "a:{% if enable_thinking is false %} <think></think>{% endif %}";

interface Stage extends ScriptedModel {
  readonly conversation: Conversation;
  /** What was thought, and what was said. */
  say(text: string): Promise<readonly [string, string]>;
}

function stage({ contextTokens = 512, maxTokens = 100, source = SOURCE } = {}): Stage {
  const model = scriptedModel(contextTokens);
  const template = jinjaTemplate({ main: source, named: new Map() }, tokenizer);
  const parts = { context: model.context, tokenizer, template, batchTokens: 512, now: () => 0 };
  const conversation = createConversation(parts, { system: "S", sampler: model.sampler, maxTokens });
  return Object.assign(model, {
    conversation,
    async say(text: string) {
      const shown = ["", ""] as [string, string];
      await conversation.ask(text, {
        onThought: (piece) => {
          shown[0] += piece;
        },
        onText: (piece) => {
          shown[1] += piece;
        },
      });
      return shown;
    },
  });
}

const text = (ids: readonly number[]): string => tokenizer.decode(ids);

describe("thoughts", () => {
  test("are shown apart from the answer, and kept beside it", async () => {
    const s = stage();
    s.answer(" <think>\nA greeting.\n</think>\n\nHello.", EOS);
    expect(await s.say("Hi.")).toEqual(["A greeting.", "Hello."]);
    expect(s.conversation.turns).toEqual([{ user: "Hi.", reasoning: "A greeting.", answer: "Hello." }]);
  });

  test("are not told again: the next prompt is what the template makes of the answer", async () => {
    const s = stage();
    s.answer(" <think>A greeting.</think>Hello.", EOS);
    await s.say("Hi.");
    s.answer(" Well.", EOS);
    expect(await s.say("Why?")).toEqual(["", "Well."]);
    expect(text(s.cache)).toBe("s: S\nu: Hi.\na: Hello.\nu: Why?\na: Well.");
  });

  test("can be asked not to be", async () => {
    const s = stage();
    s.conversation.settings.think = false;
    s.answer(" Hello.", EOS);
    expect(await s.say("Hi.")).toEqual(["", "Hello."]);
    expect(text(s.cache)).toBe("s: S\nu: Hi.\na: <think></think> Hello.");
  });

  test("that a prompt begins are thoughts from the first token on", async () => {
    const s = stage({ source: `${SOURCE} <think>` });
    s.answer(" hm</think>Hello.", EOS);
    expect(await s.say("Hi.")).toEqual(["hm", "Hello."]);
  });
});

test("reading ahead reads what stands before the next turn", async () => {
  const s = stage();
  await s.conversation.prepare(new AbortController().signal);
  expect(text(s.cache)).toBe("s: S\nu:");
  s.answer(" Hello.", EOS);
  await s.say("Hi.");
  await s.conversation.prepare(new AbortController().signal);
  expect(text(s.cache)).toBe("s: S\nu: Hi.\na: Hello.\nu:");
});

test("old turns are forgotten when the context is full, and so many that there is room for some", async () => {
  const s = stage({ contextTokens: 128, maxTokens: 16 });
  for (let i = 0; i < 12; i++) {
    s.answer(` This is answer ${i}.`, EOS);
    await s.say(`question ${i}`);
    expect(s.cache.length).toBeLessThanOrEqual(128);
  }
  expect(s.conversation.turns).toHaveLength(12);
  expect(s.conversation.nForgotten).toBeGreaterThan(5);
  expect(text(s.cache)).toMatch(new RegExp(`^s: S\nu: question ${s.conversation.nForgotten}\n`));
  await expect(s.say("x ".repeat(200))).rejects.toMatchObject({ name: "ConversationError", code: "E_TOO_LONG" });
  expect(s.conversation.turns).toHaveLength(12);
});

test("thousands of turns are written down few times", async () => {
  const s = stage({ contextTokens: 128, maxTokens: 16 });
  s.conversation.replace(Array.from({ length: 5000 }, (_, i) => ({ user: `q ${i}`, answer: "b" })));
  s.answer(" a", EOS);
  await s.say("Hi.");
  expect(s.conversation.nForgotten).toBeGreaterThan(4980);
});
