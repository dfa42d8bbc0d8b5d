import { setImmediate } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type Conversation, createConversation } from "../../src/conversation.ts";
import type { Template } from "../../src/index.ts";
import { patternTemplate } from "../../src/templates.ts";
import { EOS, type ScriptedModel, scriptedModel, tokenizer } from "../support/scripted-model.ts";

const TEMPLATE: Template = {
  name: "bob",
  system: "",
  systemBlock: "{text}\n",
  start: "{bos} {system}",
  user: "User: {text}\nBob:",
  answerEnd: "\n",
  stop: ["\nUser:"],
  special: [],
};

const template = patternTemplate(TEMPLATE);

interface Stage extends ScriptedModel {
  readonly conversation: Conversation;
  /** What was shown of the last answer. */
  shown: string;
  say(text: string, signal?: AbortSignal): ReturnType<Conversation["ask"]>;
}

function stage({ contextTokens = 512, maxTokens = 100, system = "S", batchTokens = 512 } = {}): Stage {
  const model = scriptedModel(contextTokens);
  const createPace = () => () => setImmediate();
  const parts = { context: model.context, tokenizer, template, batchTokens, now: () => 0, createPace };
  const conversation = createConversation(parts, { system, sampler: model.sampler, maxTokens });
  const all: Stage = Object.assign(model, {
    conversation,
    shown: "",
    say: (text: string, signal?: AbortSignal) => {
      all.shown = "";
      const onText = (piece: string): void => {
        all.shown += piece;
      };
      return conversation.ask(text, { onText, ...(signal === undefined ? {} : { signal }) });
    },
  });
  return all;
}

const ids = (text: string): number[] => [...tokenizer.encode(text)];

/** What stands before the first turn, told "S". */
const START = [1, ...ids(" S\n")];

describe("an answer", () => {
  test("ends with the model's own end", async () => {
    const s = stage();
    s.answer(" Hello.", EOS);
    expect(await s.say("Hi.")).toMatchObject({ finish: "eos", answerTokens: ids(" Hello.").length });
    expect(s.shown).toBe(" Hello.");
    expect(s.conversation.turns).toEqual([{ user: "Hi.", answer: " Hello." }]);
  });

  test("ends before a stop text, which is neither shown nor kept", async () => {
    const s = stage();
    s.answer(" Hello.", "\n", "User", ":", " x");
    expect(await s.say("Hi.")).toMatchObject({ finish: "stop" });
    expect(s.shown).toBe(" Hello.");
    expect(s.conversation.turns[0]).toEqual({ user: "Hi.", answer: " Hello." });
  });

  test("keeps the part of a token before a stop text", async () => {
    const s = stage();
    // no token of this vocabulary reaches across the border: one that is made up of the text's bytes does
    const model = {
      ...tokenizer,
      tokenBytes: (id: number) => (id === 999 ? new TextEncoder().encode("b\nUser:") : tokenizer.tokenBytes(id)),
    };
    const parts = { context: s.context, tokenizer: model, template, batchTokens: 512, now: () => 0 };
    const conversation = createConversation(parts, { system: "", sampler: s.sampler, maxTokens: 9 });
    s.answer(" a", 999);
    await conversation.ask("Hi.", { onText: () => undefined });
    expect(conversation.turns[0]).toEqual({ user: "Hi.", answer: " ab" });
  });

  test("ends after as many tokens as it may have; what was held back counts", async () => {
    const n = ids("\nUser").length;
    const s = stage({ maxTokens: n });
    s.answer("\nUser");
    expect(await s.say("Hi.")).toMatchObject({ finish: "length", answerTokens: n });
    expect(s.conversation.turns[0]).toMatchObject({ answer: "\nUser" });
  });

  test("tells how many tokens there are, and how long they took", async () => {
    const model = scriptedModel();
    let ms = 0;
    const parts = { context: model.context, tokenizer, template, batchTokens: 512, now: () => ms };
    const conversation = createConversation(parts, { system: "", sampler: model.sampler, maxTokens: 9 });
    model.onEvaluate = () => {
      ms += 10;
    };
    model.answer(" a", " b", EOS);
    const seen: string[] = [];
    const onToken = (tokens: number, elapsed: number): number => seen.push(`${tokens} ${elapsed}`);
    const answer = await conversation.ask("Hi.", { onText: () => undefined, onToken });
    expect(seen).toEqual(["1 0", "2 10"]);
    expect(answer).toMatchObject({ promptMs: 10, answerMs: 20 });
  });
});

describe("what the cache holds is not evaluated again", () => {
  test("the next turn evaluates only what is new", async () => {
    const s = stage();
    s.answer(" Hello.", EOS);
    await s.say("Hi.");
    const before = s.cache.length; // the last token of the answer has not been evaluated
    s.answer(" Well.", EOS);
    const answer = await s.say("Why?");
    expect(answer.promptTokens).toBe(ids("\nUser: Why?\nBob:").length);
    expect(s.evaluations.at(-ids(" Well.").length - 1)).toBe(`${answer.promptTokens}@${before}`);
    expect(s.cache).toEqual([1, ...ids(" S\nUser: Hi.\nBob: Hello.\nUser: Why?\nBob: Well.")]);
  });

  test("after a stop text, evaluation goes on where the texts part", async () => {
    const s = stage();
    s.answer(" Hello.", "\n", "User", ":");
    await s.say("Hi.");
    s.answer(" Well.", EOS);
    await s.say("Why?");
    expect(s.cache).toEqual([1, ...ids(" S\nUser: Hi.\nBob: Hello.\nUser: Why?\nBob: Well.")]);
  });

  test("answering again evaluates the last token of the turn only", async () => {
    const s = stage();
    s.answer(" Hello.", EOS);
    await s.say("Hi.");
    s.answer(" Bye.", EOS);
    const answer = await s.conversation.regenerate({ onText: () => undefined });
    expect(answer.promptTokens).toBe(1);
    expect(s.conversation.turns).toEqual([{ user: "Hi.", answer: " Bye." }]);
  });

  test("another beginning makes all of it new", async () => {
    const s = stage();
    s.answer(" Hello.", EOS);
    await s.say("Hi.");
    s.conversation.settings.system = "Another one.";
    s.answer(" Well.", EOS);
    await s.say("Why?");
    expect(tokenizer.decode(s.cache)).toBe(" Another one.\nUser: Hi.\nBob: Hello.\nUser: Why?\nBob: Well.");
  });

  test("prompts are evaluated in batches", async () => {
    const s = stage({ batchTokens: 4 });
    s.answer(" a", EOS);
    await s.say("Hi.");
    expect(s.evaluations.slice(0, 2)).toEqual(["4@0", "4@4"]);
  });
});

describe("an interruption", () => {
  test("in the middle of an answer keeps what there is of it", async () => {
    const s = stage();
    const controller = new AbortController();
    s.answer(" a", " b", " c");
    let n = 0;
    s.onEvaluate = () => {
      if (++n === 3) controller.abort();
    };
    expect(await s.say("Hi.", controller.signal)).toMatchObject({ finish: "interrupted", answerTokens: 2 });
    expect(s.conversation.turns[0]).toEqual({ user: "Hi.", answer: " a b" });
    s.onEvaluate = undefined;
    s.answer(EOS);
    await s.say("Why?"); // draws " c", then the end
    expect(tokenizer.decode(s.cache)).toBe(" S\nUser: Hi.\nBob: a b\nUser: Why?\nBob: c");
  });

  test("before the answer begins takes the turn back", async () => {
    const s = stage();
    const controller = new AbortController();
    s.onEvaluate = () => controller.abort();
    expect(await s.say("Hi.", controller.signal)).toMatchObject({ finish: "interrupted", answerTokens: 0 });
    expect(s.conversation.turns).toEqual([]);
  });

  test("before another answer leaves the first one", async () => {
    const s = stage();
    s.answer(" a", EOS);
    await s.say("Hi.");
    const controller = new AbortController();
    s.onEvaluate = () => controller.abort();
    await s.conversation.regenerate({ onText: () => undefined, signal: controller.signal });
    expect(s.conversation.turns).toMatchObject([{ answer: " a" }]);
  });

  test("an error of the model is none, and leaves the turns alone", async () => {
    const s = stage();
    s.onEvaluate = () => {
      throw new Error("broken");
    };
    await expect(s.say("Hi.")).rejects.toThrow("broken");
    expect(s.conversation.turns).toEqual([]);
  });
});

describe("a context that is full", () => {
  test("old turns are forgotten, so many that there is room for some; the beginning stays", async () => {
    const s = stage({ contextTokens: 128, maxTokens: 16 });
    for (let i = 0; i < 12; i++) {
      s.answer(` This is answer ${i}.`, EOS);
      await s.say(`question ${i}`);
      expect(s.cache.length).toBeLessThanOrEqual(128);
    }
    expect(s.conversation.turns).toHaveLength(12);
    expect(s.conversation.nForgotten).toBeGreaterThan(5);
    const text = tokenizer.decode(s.cache);
    expect(text).toMatch(new RegExp(`^ S\nUser: question ${s.conversation.nForgotten}\n`));
    expect(text).toContain("question 11");
  });

  test("a turn that does not fit by itself is refused, and nothing has changed", async () => {
    const s = stage({ contextTokens: 64 });
    await expect(s.say("x ".repeat(200))).rejects.toMatchObject({
      name: "ConversationError",
      message: /^too long: \d+ tokens/,
    });
    expect(s.conversation.turns).toEqual([]);
    s.answer(" a", EOS);
    await s.say("Hi.");
    expect(s.conversation.turns).toHaveLength(1);
  });

  test("an answer that fills it goes on after a swap, and the next turn is evaluated as a whole", async () => {
    const s = stage({ contextTokens: 64, maxTokens: -1 });
    const long = Array.from({ length: 90 }, () => ids(" a")[0] as number);
    s.answer(...long, EOS);
    const answer = await s.say("Hi.");
    expect(answer).toMatchObject({ finish: "eos", answerTokens: 90 });
    expect(s.cache.slice(0, START.length)).toEqual(START);
    expect(s.conversation.nPast).toBe(0);
    s.answer(" b", EOS);
    await s.say("Why?");
    expect(s.conversation.nForgotten).toBe(1);
    expect(tokenizer.decode(s.cache)).toBe(" S\nUser: Why?\nBob: b");
  });
});

describe("many turns", () => {
  const turns = Array.from({ length: 2000 }, (_, i) => ({ user: `q ${i}`, answer: "" }));

  test("are written down few times, until no more are left than fit", async () => {
    const s = stage({ contextTokens: 128, maxTokens: 16 });
    const render = vi.spyOn(template, "render");
    s.conversation.replace(turns);
    s.answer(" a", EOS);
    await s.say("Hi.");
    expect(render.mock.calls.length).toBeLessThan(20);
    expect(s.conversation.nForgotten).toBeGreaterThan(1980);
    expect(tokenizer.decode(s.cache)).toMatch(/^ S\nUser: q \d+\nBob:\n.*User: Hi\.\nBob: a$/s);
  });

  test("let signals through, and an interruption ends the reading of them", async () => {
    const s = stage();
    s.conversation.replace(turns);
    const controller = new AbortController();
    void setImmediate().then(() => controller.abort());
    expect(await s.say("Hi.", controller.signal)).toMatchObject({ finish: "interrupted" });
    expect(s.conversation.turns).toHaveLength(2000);
  });
});

describe("reading ahead", () => {
  test("what stands before the next turn is read while nobody waits; the turn then reads itself alone", async () => {
    const s = stage();
    await s.conversation.prepare(new AbortController().signal);
    expect(tokenizer.decode(s.cache)).toBe(" S\nUser:");
    s.answer(" Hello.", EOS);
    expect(await s.say("Hi.")).toMatchObject({ promptTokens: ids(" Hi.\nBob:").length });
    await s.conversation.prepare(new AbortController().signal);
    const before = s.cache.length;
    expect(tokenizer.decode(s.cache)).toBe(" S\nUser: Hi.\nBob: Hello.\nUser:");
    s.answer(" Well.", EOS);
    await s.say("Why?");
    expect(s.evaluations.at(-ids(" Well.").length - 1)).toBe(`${ids(" Why?\nBob:").length}@${before}`);
  });

  test("an interrupted reading keeps what it has read", async () => {
    const s = stage({ batchTokens: 2, system: "A long system prompt that takes several steps to read." });
    const controller = new AbortController();
    let n = 0;
    s.onEvaluate = () => {
      if (++n === 3) controller.abort();
    };
    await s.conversation.prepare(controller.signal);
    expect(s.cache).toEqual([1, ...ids(" A long system prompt")].slice(0, 4));
    s.onEvaluate = undefined;
    s.answer(" a", EOS);
    await s.say("Hi.");
    expect(s.evaluations[2]).toBe("2@4");
  });

  test("tells how much has been read", async () => {
    const s = stage({ batchTokens: 4 });
    s.answer(" a", EOS);
    const read: string[] = [];
    const onRead = (tokens: number, total: number): number => read.push(`${tokens}/${total}`);
    const { promptTokens } = await s.conversation.ask("Hi.", { onText: () => undefined, onRead });
    expect(read[0]).toBe(`4/${promptTokens}`);
    expect(read.at(-1)).toBe(`${promptTokens}/${promptTokens}`);
  });
});

test("turns can be replaced", async () => {
  const s = stage();
  await expect(s.conversation.regenerate({ onText: () => undefined })).rejects.toMatchObject({
    name: "ConversationError",
  });
  s.conversation.replace([{ user: "Hi.", answer: " Hello." }]);
  s.answer(" Well.", EOS);
  await s.say("Why?");
  expect(tokenizer.decode(s.cache)).toBe(" S\nUser: Hi.\nBob: Hello.\nUser: Why?\nBob: Well.");
});
