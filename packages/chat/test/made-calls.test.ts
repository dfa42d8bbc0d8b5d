// Calls that a model makes by itself: from the mark of one to its end they are what their schemas say, whatever the model would write.

import { memorySource } from "@ll/bytes";
import { openGgml } from "@ll/ggml-format";
import { configFromGgml, loadModel } from "@ll/llama";
import { createTokenizer, type Tokenizer } from "@ll/tokenizer";
import { afterAll, describe, expect, test } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../tools/tiny-model.ts";
import { callsBehindMark } from "../src/format/output-format.ts";
import type { OutputFormat } from "../src/formats.ts";
import { outputFormatOf, PLAIN_FORMAT } from "../src/formats.ts";
import { type ChatModel, createChatModel, type Tools } from "../src/index.ts";
import { patternTemplate } from "../src/templates.ts";
import { FORCED_FORMATS, MEMBER_FORMATS } from "./format/outputs.ts";

/** An id that none of the texts here needs; it gets the text of the mark, as control tokens have it. */
const MARK = 300;
const NO_WARNINGS = { name: "tiny", container: "ggml", contextTokens: 512, parallel: 2, weights: {}, warnings: [] };

/** Those whose calls begin with a mark. */
const FORMATS = [...FORCED_FORMATS, ...MEMBER_FORMATS].filter((format) => format.calls.open !== "");

const TOOLS: Tools = {
  weather: {
    parameters: {
      type: "object",
      properties: { city: { enum: ["Rome", "Bern"] }, days: { type: "integer", minimum: 1, maximum: 9 } },
      required: ["city", "days"],
      additionalProperties: false,
    },
  },
  say: {
    parameters: {
      type: "object",
      properties: { text: { type: "string", maxLength: 12 } },
      required: ["text"],
      additionalProperties: false,
    },
  },
};

const open: ChatModel[] = [];
afterAll(() => Promise.all(open.map((model) => model.dispose())));

/** The embedded model, which writes `markText` when it draws `MARK`. */
async function modelOf(format: OutputFormat, markText: string, startsInThought = false): Promise<ChatModel> {
  const file = await openGgml(memorySource(await tinyModel("q4_0")));
  const config = configFromGgml(file.hyperParams);
  const tokenizer = createTokenizer(file.vocab);
  const bytes = new TextEncoder().encode(markText);
  const marked: Tokenizer = {
    ...tokenizer,
    tokenBytes: (id, options) => (id === MARK ? bytes : tokenizer.tokenBytes(id, options)),
  };
  const template = patternTemplate(SHORT_TEMPLATE);
  const model = createChatModel({
    model: await loadModel(file, config, { threads: 1 }),
    tokenizer: marked,
    template: {
      ...{ ...template, format },
      render: (...args) => ({ ...template.render(...args), startsInThought }),
    },
    info: NO_WARNINGS as never,
  });
  open.push(model);
  return model;
}

/** Draws the mark sooner or later, and more than once. */
const settings = (seed: number) => ({
  seed,
  maxTokens: 200,
  temperature: 1.3,
  repeatPenalty: 1,
  topK: 0,
  logitBias: [[MARK, 9]] as const,
  tools: TOOLS,
});

interface Heard {
  readonly text: string;
  readonly calls: { name: string; arguments: Readonly<Record<string, unknown>>; argumentsText?: string | undefined }[];
  /** Parts in which the arguments of each call came, by its id. */
  readonly deltas: Map<string, string[]>;
  readonly warnings: readonly string[];
}

async function ask(model: ChatModel, options: object): Promise<Heard> {
  const answer = model.chat("Weather?", options);
  const heard = { text: "", calls: [] as Heard["calls"], deltas: new Map<string, string[]>() };
  for await (const event of answer) {
    if (event.type === "text") heard.text += event.text;
    if (event.type === "tool-call-start") heard.deltas.set(event.id, []);
    if (event.type === "tool-call-delta") heard.deltas.get(event.id)?.push(event.delta);
    if (event.type === "tool-call") heard.calls.push(event.call);
  }
  const { toolCalls, warnings, finish } = await answer.result();
  if (finish === "tool-calls") expect(toolCalls).toEqual(heard.calls);
  return { ...heard, warnings };
}

function expectValid({ name, arguments: args }: Heard["calls"][number]): void {
  if (name === "weather") {
    expect(["Rome", "Bern"]).toContain(args["city"]);
    expect(args["days"]).toSatisfy((days: number) => Number.isInteger(days) && days >= 1 && days <= 9);
  } else {
    expect({ name, args }).toEqual({ name: "say", args: { text: expect.any(String) } });
  }
}

describe.each(FORMATS.map((format) => [format.name, format] as const))("%s", (_name, format) => {
  const { open: mark, forced } = format.calls;

  test("arguments follow their schemas, and come as they grow", async () => {
    const model = await modelOf(format, mark);
    let nCalls = 0;
    let most = 0;
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { calls, deltas, text } = await ask(model, {
        ...settings(seed),
        ...(forced.members && { maxTokens: 300 }),
        ignoreEos: format.channels === true,
      });
      expect(text).not.toContain(mark);
      for (const call of calls) expectValid(call);
      const texts = [...deltas.values()].map((parts) => parts.join(""));
      expect(texts.slice(0, calls.length)).toEqual(calls.map(({ argumentsText }) => argumentsText));
      const isWhole = forced.members !== undefined;
      for (const parts of [...deltas.values()].slice(0, calls.length)) expect(parts.length > 2).toBe(!isWhole);
      nCalls += calls.length;
      most = Math.max(most, calls.length);
    }
    expect(nCalls).toBeGreaterThan(5);
    expect(most).toBeGreaterThan(1);
  });

  test("a mark that comes with what follows it", async () => {
    const { before = "", call } = callsBehindMark(format) as NonNullable<ReturnType<typeof callsBehindMark>>;
    const front = before + call[0];
    const { calls } = await ask(await modelOf(format, mark + front.slice(0, 3)), settings(1));
    expect(calls.length).toBeGreaterThan(0);
    // what cannot be the beginning of a call is read as it comes, and is none
    const { calls: none, text } = await ask(await modelOf(format, `${mark}?`), { ...settings(1), maxTokens: 30 });
    expect(none).toEqual([]);
    expect(text).toContain("?");
  });

  test("one call, if more are not wanted", async () => {
    const model = await modelOf(format, mark);
    for (const more of [{}, { toolChoice: "required" }, { ignoreEos: true }] as const) {
      if (format.channels && "toolChoice" in more) continue; // the marks are drawn in the thought
      const { toolCalls, finish } = await model
        .chat("Weather?", {
          ...settings(2),
          logitBias: [[MARK, 20]],
          maxTokens: 300,
          parallelToolCalls: false,
          ...more,
        })
        .result();
      expect(toolCalls).toHaveLength(1);
      for (const call of toolCalls) expectValid(call);
      expect(finish).toBe("tool-calls");
    }
  });

  test("stop texts that begin like a mark, or like the end of a call", async () => {
    const { call, after = "" } = forced;
    const end = (call[2] + after).trim() || "}";
    const model = await modelOf(format, mark);
    for (const stop of [[`${mark}zq`], [`${end}zq`], [`${end.at(-1)}zq`, `${end.slice(0, 2)}zq`]]) {
      let nCalls = 0;
      for (const seed of [1, 2]) {
        const { calls } = await ask(model, { ...settings(seed), stop, ignoreEos: true });
        for (const call of calls) expectValid(call);
        nCalls += calls.length;
      }
      expect(nCalls).toBeGreaterThan(1);
    }
  });
});

describe("a stop text that begins like the end of a thought", () => {
  const stop = ["</think>zq"];
  const thinking = () => modelOf(outputFormatOf("<tool_call> <think> </think>"), "</think>", true);

  test("JSON begins behind the thought", async () => {
    const schema = { type: "integer", minimum: 10, maximum: 99 };
    const { json, result } = (await thinking()).chat("How many?", { ...settings(1), tools: {}, stop, schema });
    expect(await json()).toSatisfy((n: number) => n >= 10 && n <= 99);
    expect((await result()).reasoning).not.toBe("");
  });

  test("and so does a call that is asked for", async () => {
    const model = await thinking();
    for (const toolChoice of ["required", { name: "say" }] as const) {
      const { toolCalls, text } = await model.chat("Weather?", { ...settings(1), stop, toolChoice, n: 2 }).result();
      expect(toolCalls.length).toBeGreaterThan(0);
      for (const call of toolCalls) expectValid(call);
      expect(text).toBe("");
    }
  });
});

test("gpt-oss thinks first, or not, where a call is asked for", async () => {
  const format = outputFormatOf("<|channel|>");
  let nThoughts = 0;
  for (const mark of ["<|channel|>analysis<|message|>So?<|end|><|start|>assistant", "<|channel|>comm"]) {
    const model = await modelOf(format, mark);
    const options = {
      ...settings(1),
      logitBias: [[MARK, 40]] as const,
      repeatPenalty: 8,
      toolChoice: "required",
    } as const;
    const { toolCalls, reasoning, text } = await model.chat("Weather?", options).result();
    expect(toolCalls).toHaveLength(1);
    for (const call of toolCalls) expectValid(call);
    if (reasoning === "So?") nThoughts++;
    expect(text).toBe("");
  }
  expect(nThoughts).toBe(1);
});

test("with a schema that is no grammar, calls are read, and a warning says so", async () => {
  const model = await modelOf(PLAIN_FORMAT, "<tool_call>");
  const tools = { odd: { parameters: { type: "object", properties: { a: { type: "no such type" } } } } };
  const { calls, warnings } = await ask(model, { ...settings(1), tools });
  expect(calls).toEqual([]);
  expect(warnings.join()).toContain("calls are read as they come");
});
