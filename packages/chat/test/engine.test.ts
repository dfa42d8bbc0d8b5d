// Many answers at once, ends of all kinds, and what may not be.

import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { ContextOverflowError, configFromGgml, loadModel } from "@ll/llama";
import { createTokenizer } from "@ll/tokenizer";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../tools/tiny-model.ts";
import { type ChatModel, createChatModel, isAnswerError, restoreSession } from "../src/index.ts";
import { patternTemplate } from "../src/templates.ts";
import { smallModel } from "./support/small-model.ts";

const open: ChatModel[] = [];
const newModel = async (options = {}) => {
  const model = await smallModel(options);
  open.push(model);
  return model;
};

afterEach(async () => {
  for (const model of open.splice(0)) await model.dispose();
});

test("sixty-four answers at once are those of one after the other", async () => {
  const model = await newModel({ parallel: 3 });
  const ask = (i: number) => model.chat(`Number ${i % 7}?`, { seed: i, maxTokens: 6, temperature: 1 }).text();
  const together = await Promise.all(Array.from({ length: 64 }, (_, i) => ask(i)));
  const alone = await newModel({ parallel: 1 });
  for (const [i, text] of together.entries()) {
    const options = { seed: i, maxTokens: 6, temperature: 1, reuse: false };
    expect(await alone.chat(`Number ${i % 7}?`, options).text()).toBe(text);
  }
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0, contexts: 3 });
});

test("the second turn of a conversation evaluates what is new alone, also behind others", async () => {
  const model = await newModel({ parallel: 4, contextTokens: 256 });
  const session = model.session();
  await session.ask("A long question about a cat and a dog and a bird?", { seed: 1, maxTokens: 20 }).text();
  for (const text of ["One?", "Two?", "Three?"]) await model.chat(text, { seed: 1, maxTokens: 3 }).text();
  const before = session.usedTokens;
  const { usage } = await session.ask("More?", { seed: 1, maxTokens: 3 }).result();
  expect(usage.cachedTokens).toBeGreaterThanOrEqual(before - 2);
  expect(usage.promptTokens - usage.cachedTokens).toBeLessThan(16);
});

test("first come, first served, but for those that are urgent", async () => {
  const model = await newModel({ parallel: 1 });
  const order: string[] = [];
  const ask = (name: string, priority = 0) =>
    model
      .chat(name, { seed: 1, maxTokens: 2, priority })
      .text()
      .then(() => order.push(name));
  await Promise.all([ask("a"), ask("b"), ask("c"), ask("urgent", 1)]);
  expect(order).toEqual(["urgent", "a", "b", "c"]);
});

describe("ends", () => {
  test("disposing ends what runs and what waits, and is heard once", async () => {
    const model = await newModel({ parallel: 2 });
    const answers = Array.from({ length: 6 }, (_, i) => model.chat(`q${i}`, { seed: i }));
    for await (const _ of answers[0]!.textStream) break;
    await Promise.all([model.dispose(), model.dispose()]);
    const ended = await Promise.allSettled(answers.slice(1).map((answer) => answer.result()));
    for (const one of ended) {
      if (one.status === "rejected") expect(isAnswerError(one.reason, "E_DISPOSED")).toBe(true);
    }
    expect(ended.some(({ status }) => status === "rejected")).toBe(true);
    await expect(model.chat("late").text()).rejects.toMatchObject({ code: "E_DISPOSED" });
  });

  test("at random moments, others go on and all contexts come free", async () => {
    const model = await newModel({ parallel: 2 });
    const expected = await model.chat("Keep.", { seed: 5, maxTokens: 20 }).text();
    for (let round = 0; round < 8; round++) {
      const kept = model.chat("Keep.", { seed: 5, maxTokens: 20 });
      const others = [0, 1, 2].map((i) => model.chat(`Drop ${i}.`, { seed: i }));
      for (const [i, answer] of others.entries()) {
        let n = 0;
        for await (const _ of answer) if (n++ >= (round * 3 + i * 5) % 7) break;
      }
      expect(await kept.text()).toBe(expected);
    }
    expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
  });

  test("a signal that was aborted before, and one of an answer that waits", async () => {
    const model = await newModel({ parallel: 1 });
    await expect(model.chat("x", { signal: AbortSignal.abort(new Error("gone")) }).text()).rejects.toThrow("gone");
    const running = model.chat("x", { seed: 1, maxTokens: 12 });
    const waiting = model.chat("y", { seed: 1 });
    waiting.cancel(new Error("no longer"));
    await expect(waiting.text()).rejects.toThrow("no longer");
    expect((await running.result()).finish).toBe("length");
  });

  test("the end of the context is the end of the answer", async () => {
    const model = await newModel();
    const { finish, usage } = await model.chat("Go on.", { seed: 1, logitBias: [[2, -1000]], stop: [] }).result();
    expect(finish).toBe("length");
    expect(usage.promptTokens + usage.completionTokens).toBe(96 + 1);
  });

  test("prompts that do not fit", async () => {
    const model = await newModel();
    await expect(model.chat("word ".repeat(200)).text()).rejects.toBeInstanceOf(ContextOverflowError);
    const session = model.session({ overflow: "error" });
    await expect(session.ask("word ".repeat(200)).text()).rejects.toBeInstanceOf(ContextOverflowError);
    expect(session.turns).toEqual([]);
  });

  test("a session forgets whole turns, the oldest first", async () => {
    const model = await newModel();
    const session = model.session({ system: "Be brief." });
    for (let i = 0; i < 12; i++) await session.ask(`Question number ${i}?`, { seed: i, maxTokens: 8 }).text();
    expect(session.nForgotten).toBeGreaterThan(0);
    expect(session.nForgotten % 2).toBe(0);
    expect(session.turns).toHaveLength(24);
    expect(session.usedTokens).toBeLessThanOrEqual(96);
  });
});

describe("stop texts", () => {
  test("are not in the text, wherever they are cut", async () => {
    const model = await newModel();
    const options = { seed: 3, maxTokens: 24 };
    const whole = await model.complete("Once upon a time", options).text();
    for (let at = 1; at + 3 < whole.length; at += 3) {
      const stop = [whole.slice(at, at + 3)];
      const answer = model.complete("Once upon a time", { ...options, stop });
      let streamed = "";
      for await (const text of answer.textStream) streamed += text;
      expect(streamed).toBe(whole.slice(0, whole.indexOf(stop[0]!)));
      expect((await answer.result()).finish).toBe("stop");
    }
  });
});

describe("JSON", () => {
  test("that is cut, that the schema does not admit, and that no grammar was asked for", async () => {
    const model = await newModel();
    const list = { type: "array", items: { type: "integer" }, minItems: 40 };
    await expect(model.chat("x", { schema: list, seed: 1, maxTokens: 9 }).json()).rejects.toMatchObject({
      code: "E_CUT",
    });
    await expect(model.chat("x", { seed: 1, maxTokens: 9 }).json()).rejects.toMatchObject({ code: "E_CUT" });
    const picky = {
      "~standard": {
        jsonSchema: { input: () => ({ enum: ["a"] }) },
        validate: () => ({ issues: [{ message: "never" }] }),
      },
    };
    await expect(model.chat("x", { schema: picky, seed: 1 }).json()).rejects.toMatchObject({ code: "E_INVALID" });
  });

  test("keywords that are not enforced are warnings; schemas that are none are errors", async () => {
    const model = await newModel();
    const schema = { type: "object", properties: { a: { type: "integer", multipleOf: 2 } } };
    const { warnings } = await model.chat("x", { schema, seed: 1 }).result();
    expect(warnings).toEqual(['/properties/a/multipleOf: "multipleOf" is not enforced']);
    await expect(model.chat("x", { schema: { type: "text" } }).text()).rejects.toMatchObject({ code: "E_SCHEMA" });
  });
});

describe("tools", () => {
  const weather = { parameters: { type: "object", properties: { city: { enum: ["Rome"] } }, required: ["city"] } };

  test("without a function the answer ends with the call", async () => {
    const model = await newModel({ contextTokens: 512 });
    const answer = model.chat("x", { tools: { weather }, toolChoice: { name: "weather" }, seed: 1 });
    const { finish, toolCalls, text } = await answer.result();
    expect({ finish, text }).toEqual({ finish: "tool-calls", text: "" });
    expect(toolCalls).toMatchObject([{ name: "weather", arguments: { city: "Rome" } }]);
  });

  test("what a tool throws is its result", async () => {
    const model = await newModel({ contextTokens: 512 });
    const run = () => {
      throw new Error("no signal");
    };
    const answer = model.chat("x", {
      tools: { weather: { ...weather, run } },
      toolChoice: { name: "weather" },
      seed: 1,
      maxTokens: 120,
    });
    const { messages } = await answer.result();
    expect(messages[1]).toMatchObject({ role: "tool", content: "Error: no signal" });
  });

  test("a tool that never returns holds up nobody who cancels", async () => {
    const model = await newModel({ contextTokens: 512 });
    const run = () => {
      setTimeout(() => answer.cancel(new Error("enough")));
      return new Promise(() => undefined);
    };
    const tools = { weather: { ...weather, run } };
    const answer = model.chat("x", { tools, toolChoice: { name: "weather" }, seed: 1, maxTokens: 120 });
    await expect(answer.text()).rejects.toThrow("enough");
  });

  test("rounds end", async () => {
    const model = await newModel({ contextTokens: 512 });
    const tools = { weather: { ...weather, run: () => "sunny" } };
    const answer = model.chat("x", { tools, toolChoice: "required", maxRounds: 0, seed: 1 });
    expect((await answer.result()).finish).toBe("tool-calls");
  });
});

test.each<[string, (model: ChatModel) => unknown]>([
  ["no messages", (model) => model.chat([]).text()],
  ["a role that is none", (model) => model.chat([{ role: "robot", content: "x" } as never]).text()],
  ["content that is none", (model) => model.chat([{ role: "user", content: 1 } as never]).text()],
  ["a seed", (model) => model.chat("x", { seed: Number.NaN }).text()],
  ["maxTokens", (model) => model.chat("x", { maxTokens: -1 }).text()],
  ["priority", (model) => model.chat("x", { priority: 0.5 }).text()],
  ["a stop text that is no list", (model) => model.chat("x", { stop: "END" as never }).text()],
  ["an id beyond the vocabulary", (model) => model.complete([1, 1024]).text()],
  ["an id below it", (model) => model.complete([-1]).text()],
  ["an id between two", (model) => model.complete([0.5]).text()],
  ["a pooling", (model) => model.embed("x", { pooling: "max" as never })],
  ["a context of no size", () => newModel({ contextTokens: Number.NaN })],
  ["a context of a text", () => newModel({ contextTokens: "96" as never })],
  ["an empty stop text", (model) => model.chat("x", { stop: [""] }).text()],
  ["the name of a tool", (model) => model.chat("x", { tools: { "a b": {} } }).text()],
  ["a tool that is not there", (model) => model.chat("x", { tools: { a: {} }, toolChoice: { name: "b" } }).text()],
  ["schema and grammar", (model) => model.chat("x", { schema: {}, grammar: "root ::= [a]" }).text()],
])("refuses %s", async (_name, call) => {
  const model = await newModel();
  await expect(call(model)).rejects.toThrow(/expected/);
});

test.each([
  undefined,
  null,
  1,
  {},
  { version: 2 },
  { version: 1, turns: [{}], nForgotten: 0, overflow: "forget" },
  { version: 1, turns: [], nForgotten: 1, overflow: "forget" },
  { version: 1, turns: [], nForgotten: 0, overflow: "crash" },
  { version: 1, turns: [{ role: "system", content: "x" }], nForgotten: 0, overflow: "forget" },
  { version: 1, turns: [], nForgotten: 0, overflow: "forget", seed: -1 },
])("refuses to restore %j", async (saved) => {
  const model = await newModel();
  expect(() => restoreSession(model, saved)).toThrow(TypeError);
});

test("ids that are none end their own answer, and no other", async () => {
  const model = await newModel({ parallel: 3 });
  const expected = await model.complete("Keep.", { seed: 5, maxTokens: 20 }).text();
  const kept = model.complete("Keep.", { seed: 5, maxTokens: 20 });
  for await (const _ of kept.textStream) {
    await expect(model.complete([1, 5000]).text()).rejects.toThrow(RangeError);
    break;
  }
  const others = [model.complete([Number.NaN]), model.complete("Keep.", { seed: 5, maxTokens: 20 })] as const;
  await expect(others[0].text()).rejects.toThrow('"prompt" expected ids below 1024, got NaN');
  expect(await others[1].text()).toBe(expected);
});

test("a session of no turns has used no tokens", async () => {
  const model = await newModel();
  expect(model.session().usedTokens).toBe(0);
  expect(model.session({ system: "Be brief." }).usedTokens).toBe(0);
});

test("arguments are shown as they grow, and are those of the whole call", async () => {
  const model = await newModel({ contextTokens: 512 });
  const city = { type: "object", properties: { city: { type: "string", maxLength: 12 } }, required: ["city"] };
  const tools = { weather: { parameters: city }, now: {} };
  for (const seed of [1, 2, 3]) {
    const answer = model.chat("x", { tools, toolChoice: "required", seed });
    const grown = new Map<string, string[]>();
    for await (const event of answer) {
      if (event.type === "tool-call-start") grown.set(event.id, []);
      if (event.type === "tool-call-delta") grown.get(event.id)?.push(event.delta);
      expect(event.type).not.toBe("text");
    }
    const { toolCalls, finish } = await answer.result();
    expect(finish).toBe("tool-calls");
    expect([...grown].map(([id, deltas]) => [id, deltas.join("")])).toEqual(
      toolCalls.map(({ id, argumentsText }) => [id, argumentsText]),
    );
    const nWeather = toolCalls.filter(({ name }) => name === "weather").length;
    if (nWeather > 0) expect(Math.max(...[...grown.values()].map(({ length }) => length))).toBeGreaterThan(3);
  }
});

test("text in front of a call is kept, streamed and whole", async () => {
  const call = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';
  const model = await newModel({ contextTokens: 512 });
  const answer = model.chat("x", { tools: { now: {} }, grammar: `root ::= "Let me look. " ${JSON.stringify(call)}` });
  const seen: string[] = [];
  for await (const event of answer) {
    if (event.type === "text") seen.push(event.text);
    if (event.type === "tool-call") seen.push(`(${event.call.name})`);
  }
  expect(seen.join("")).toBe("Let me look.(now)");
  const { messages, finish } = await answer.result();
  expect(finish).toBe("tool-calls");
  expect(messages[0]).toMatchObject({ content: "Let me look.", toolCalls: [{ name: "now" }] });
});

test("a call that the limit cuts is none, and the answer has the length", async () => {
  const model = await newModel({ contextTokens: 512 });
  const tools = { now: { run: () => "noon" } };
  const options = { tools, toolChoice: "required" as const, seed: 1, maxRounds: 0 };
  const whole = await model.chat("x", options).result();
  expect(whole.finish).toBe("tool-calls");
  // the last token but one ends the call, and the last one the text
  const { completionTokens } = whole.usage;
  const finishes: string[] = [];
  for (const maxTokens of [4, 12, completionTokens - 1, completionTokens]) {
    const { finish, toolCalls, text } = await model.chat("x", { ...options, maxTokens }).result();
    finishes.push(`${finish} ${toolCalls.length}`);
    expect(text).toBe("");
  }
  expect(finishes).toEqual(["length 0", "length 0", "tool-calls 1", "tool-calls 1"]);
});

test("all rows of a step are one batch, and what prompts have in common is copied", async () => {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const tokenizer = createTokenizer(file.vocab);
  const model = await loadModel(file, configFromGgml(file.hyperParams), { threads: 1 });
  const batches = vi.spyOn(model, "evaluateBatch");
  let nCopied = 0;
  const createContext = model.createContext.bind(model);
  vi.spyOn(model, "createContext").mockImplementation(async (options) => {
    const context = await createContext(options);
    const copyPrefix = context.copyPrefix.bind(context);
    vi.spyOn(context, "copyPrefix").mockImplementation((from, nTokens) => {
      nCopied += nTokens;
      return copyPrefix(from, nTokens);
    });
    return context;
  });
  const info = {
    name: "",
    container: "",
    contextTokens: 96,
    parallel: 3,
    threads: 1,
    kernels: "",
    nParameters: 0,
    weightBytes: 0,
    weightType: "",
    pooling: "last",
    warnings: [],
  } as const;
  const template = patternTemplate({ ...SHORT_TEMPLATE, system: "You know all about cats and dogs and birds." });
  const batched = createChatModel({ model, tokenizer, template, info });
  open.push(batched);
  const alone = await newModel({
    template: { ...SHORT_TEMPLATE, system: "You know all about cats and dogs and birds." },
  });
  const ask = (one: ChatModel, i: number) =>
    one.chat(`Number ${i}?`, { seed: i, maxTokens: 6, reuse: one === batched }).text();
  // the first has read its prompt when the others come
  const first = batched.chat("Number 0?", { seed: 0, maxTokens: 6 });
  for await (const event of first) if (event.type === "prompt" && event.done === event.total) break;
  const together = await Promise.all([0, 1, 2, 3, 4].map((i) => ask(batched, i)));
  for (const [i, text] of together.entries()) expect(text).toBe(await ask(alone, i));
  expect(Math.max(...batches.mock.calls.map(([items]) => items.length))).toBe(3);
  expect(nCopied).toBeGreaterThan(0);
});
