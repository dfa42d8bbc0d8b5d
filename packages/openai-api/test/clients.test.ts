// The real clients of others, through their `fetch`: no socket, no network.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { HumanMessage } from "@langchain/core/messages";
import { tool as langTool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAI as LangOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import type { ChatModel } from "@ll/chat";
import { embed, generateText, Output, stepCountIs, streamText, tool } from "ai";
import OpenAI, { APIUserAbortError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { createHandler, type Handler } from "../src/index.ts";
import { smallModel } from "./support/small-model.ts";

const BASE_URL = "http://ll.invalid/v1";
const QUESTION = "What is the weather in Rome?";
const messages = [{ role: "user" as const, content: QUESTION }];
const City = z.object({ city: z.enum(["Rome", "Bern"]), warm: z.boolean() });
const parameters = { type: "object", properties: { city: { enum: ["Rome"] } }, required: ["city"] };
const weather = { type: "function" as const, function: { name: "weather", description: "Weather", parameters } };

let model: ChatModel;
let fetch: Handler;
let expected: string;

beforeAll(async () => {
  model = await smallModel();
  fetch = createHandler(model, { names: ["tiny"] });
  expected = await model.chat(QUESTION, { seed: 1, maxTokens: 12 }).text();
  vi.stubGlobal("fetch", () => Promise.reject(new Error("a client asked the network")));
});

afterAll(async () => {
  vi.unstubAllGlobals();
  expect(model.stats()).toMatchObject({ running: 0, waiting: 0 });
  await model.dispose();
});

describe("openai", () => {
  const client = () => new OpenAI({ baseURL: BASE_URL, apiKey: "-", fetch, maxRetries: 0 });
  const ask = { model: "tiny", messages, seed: 1, max_tokens: 12 };

  test("lists and finds models", async () => {
    const names: string[] = [];
    for await (const { id } of client().models.list()) names.push(id);
    expect(names).toEqual(["tiny"]);
    expect(await client().models.retrieve("tiny")).toMatchObject({ id: "tiny", owned_by: "ll" });
  });

  test("chats", async () => {
    const { choices, usage } = await client().chat.completions.create(ask);
    expect(choices[0]).toMatchObject({ message: { content: expected }, finish_reason: "length" });
    expect(usage).toMatchObject({ completion_tokens: 12 });
  });

  test("streams, with and without usage, and by its helper", async () => {
    for (const include_usage of [true, false]) {
      let text = "";
      let usage: unknown;
      const stream = await client().chat.completions.create({
        ...ask,
        stream: true,
        stream_options: { include_usage },
      });
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        usage ??= chunk.usage;
      }
      expect(text).toBe(expected);
      if (include_usage) expect(usage).toMatchObject({ completion_tokens: 12 });
      else expect(usage).toBeUndefined();
    }
    expect(await client().chat.completions.stream(ask).finalContent()).toBe(expected);
  });

  test("parses what a schema of zod asks for", async () => {
    const completion = await client().chat.completions.parse({
      ...ask,
      max_tokens: 100,
      response_format: zodResponseFormat(City, "city"),
    });
    expect(City.safeParse(completion.choices[0]?.message.parsed).success).toBe(true);
  });

  test.each(["required", { type: "function" as const, function: { name: "weather" } }] as const)(
    "calls tools: %j, streamed and not",
    async (tool_choice) => {
      const calling = { model: "tiny", messages, seed: 1, tools: [weather], tool_choice, parallel_tool_calls: false };
      const { choices } = await client().chat.completions.create(calling);
      const [whole] = choices;
      expect(whole?.finish_reason).toBe("tool_calls");
      expect(whole?.message.content).toBeNull();
      const [call] = whole!.message.tool_calls as { function: { name: string; arguments: string } }[];
      expect(call?.function.name).toBe("weather");
      expect(JSON.parse(call!.function.arguments)).toEqual({ city: "Rome" });
      const streamed = await client().chat.completions.stream(calling).finalMessage();
      const [other] = streamed.tool_calls as { function: { name: string; arguments: string } }[];
      expect(other?.function.arguments).toBe(call?.function.arguments);
    },
  );

  test("with tools to choose from, or none, a text is the text without them", async () => {
    const plain = await client().chat.completions.create({ ...ask, tools: [weather], tool_choice: "none" });
    expect(plain.choices[0]?.message.content).toBe(expected);
    const auto = await client().chat.completions.create({ ...ask, tools: [weather], tool_choice: "auto" });
    expect(auto.choices[0]?.finish_reason).toBe("length");
  });

  test("runs tools by its helper, and tells the model what came of it", async () => {
    const runner = client().chat.completions.runTools({
      model: "tiny",
      messages,
      seed: 1,
      max_tokens: 90,
      tool_choice: { type: "function", function: { name: "weather" } },
      tools: [{ type: "function", function: { ...weather.function, function: () => "sunny", parse: JSON.parse } }],
    });
    await runner.done();
    expect(runner.messages.map(({ role }) => role).slice(0, 3)).toEqual(["user", "assistant", "tool"]);
  });

  test("completes: several prompts and choices", async () => {
    const { choices } = await client().completions.create({
      model: "tiny",
      prompt: ["Once upon a time", "He"],
      n: 2,
      seed: 1,
      max_tokens: 5,
    });
    const alone = (prompt: string, seed: number) => model.complete(prompt, { seed, maxTokens: 5 }).text();
    expect(choices.map(({ text }) => text)).toEqual([
      await alone("Once upon a time", 1),
      await alone("Once upon a time", 2),
      await alone("He", 1),
      await alone("He", 2),
    ]);
  });

  test("embeds, in base64 that it asks for by itself", async () => {
    const { data } = await client().embeddings.create({ model: "tiny", input: ["a cat", "a dog"] });
    expect(data[1]?.embedding).toEqual([...(await model.embed("a dog"))]);
  });

  test("responds, streamed and not, with a schema and with tools", async () => {
    const asked = { model: "tiny", input: QUESTION, max_output_tokens: 12, temperature: 0 };
    const whole = await client().responses.create(asked);
    expect(whole.output_text).toBe(await model.chat(QUESTION, { temperature: 0, maxTokens: 12 }).text());
    expect(whole.status).toBe("incomplete");
    let text = "";
    for await (const event of await client().responses.create({ ...asked, stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe(whole.output_text);
    const called = await client().responses.create({
      model: "tiny",
      input: QUESTION,
      tools: [{ type: "function", name: "weather", parameters, strict: true }],
      tool_choice: { type: "function", name: "weather" },
    });
    expect(called.output).toMatchObject([{ type: "function_call", name: "weather", status: "completed" }]);
  });

  test("aborts, by a signal and by leaving the loop", async () => {
    const endless = { model: "tiny", messages, seed: 1, logit_bias: { 2: -100 } };
    const controller = new AbortController();
    const whole = client().chat.completions.create(endless, { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(whole).rejects.toBeInstanceOf(APIUserAbortError);
    for await (const _ of await client().chat.completions.create({ ...endless, stream: true })) break;
    await vi.waitFor(() => expect(model.stats()).toMatchObject({ running: 0, waiting: 0 }));
  });

  test.each([
    ["a model that is not there", { ...ask, model: "gpt-4o" }, 404, "model_not_found"],
    ["a value out of range", { ...ask, temperature: 3 }, 400, "invalid_value"],
    [
      "a prompt that is too long",
      { ...ask, messages: [{ role: "user", content: "x ".repeat(600) }] },
      400,
      "context_length_exceeded",
    ],
    [
      "a part that is no text",
      { ...ask, messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      400,
      "unsupported_parameter",
    ],
  ])("hears of %s", async (_name, body, status, code) => {
    for (const stream of [false, true]) {
      const error = await client()
        .chat.completions.create({ ...(body as typeof ask), stream })
        .then(
          () => undefined,
          (reason: unknown) => reason,
        );
      expect(error).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ status, code });
    }
  });
});

describe("ai with @ai-sdk/openai-compatible", () => {
  const provider = () =>
    createOpenAICompatible({
      name: "ll",
      baseURL: BASE_URL,
      fetch,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
  const asked = { prompt: QUESTION, seed: 1, maxOutputTokens: 12, maxRetries: 0 };

  test("generates and streams", async () => {
    expect((await generateText({ ...asked, model: provider()("tiny") })).text).toBe(expected);
    const streamed = streamText({ ...asked, model: provider()("tiny") });
    let text = "";
    for await (const part of streamed.textStream) text += part;
    expect(text).toBe(expected);
    expect(await streamed.usage).toMatchObject({ outputTokens: 12 });
  });

  test("takes options that it does not know", async () => {
    const { text } = await generateText({
      ...asked,
      model: provider()("tiny"),
      providerOptions: { ll: { top_k: 1 } },
    });
    expect(text).toBe(await model.chat(QUESTION, { seed: 1, maxTokens: 12, topK: 1 }).text());
  });

  test("makes objects by a schema of zod", async () => {
    const { output } = await generateText({
      ...asked,
      maxOutputTokens: 100,
      model: provider()("tiny"),
      output: Output.object({ schema: City }),
    });
    expect(City.safeParse(output).success).toBe(true);
  });

  test("runs tools in steps", async () => {
    const execute = vi.fn(() => "sunny");
    const { steps } = await generateText({
      ...asked,
      maxOutputTokens: 90,
      model: provider()("tiny"),
      tools: { weather: tool({ inputSchema: z.object({ city: z.literal("Rome") }), execute }) },
      toolChoice: "required",
      stopWhen: stepCountIs(2),
    });
    expect(execute).toHaveBeenCalled();
    expect(steps[0]?.finishReason).toBe("tool-calls");
  });

  test("completes and embeds", async () => {
    const { text } = await generateText({ ...asked, model: provider().completionModel("tiny") });
    expect(text.length).toBeGreaterThan(0);
    const { embedding } = await embed({ model: provider().embeddingModel("tiny"), value: "a cat", maxRetries: 0 });
    expect(embedding).toEqual([...(await model.embed("a cat"))]);
  });

  test("hears of errors, before and within a stream", async () => {
    const wrong = generateText({ ...asked, model: provider()("gpt-4o") });
    await expect(wrong).rejects.toMatchObject({ statusCode: 404 });
    const controller = new AbortController();
    const { fullStream } = streamText({
      ...asked,
      maxOutputTokens: 400,
      model: provider()("tiny"),
      abortSignal: controller.signal,
    });
    const parts: string[] = [];
    for await (const { type } of fullStream) {
      parts.push(type);
      if (type === "text-delta") controller.abort();
    }
    expect(parts.at(-1)).toBe("abort");
    await vi.waitFor(() => expect(model.stats()).toMatchObject({ running: 0, waiting: 0 }));
  });
});

describe("ai with @ai-sdk/openai", () => {
  const provider = () => createOpenAI({ baseURL: BASE_URL, apiKey: "-", fetch });
  const asked = { prompt: QUESTION, system: "Be brief.", temperature: 0, maxOutputTokens: 12, maxRetries: 0 };

  test("responds and streams", async () => {
    const { text } = await generateText({ ...asked, model: provider()("tiny") });
    const system = [
      { role: "system" as const, content: "Be brief." },
      { role: "user" as const, content: QUESTION },
    ];
    expect(text).toBe(await model.chat(system, { temperature: 0, maxTokens: 12 }).text());
    let streamed = "";
    for await (const part of streamText({ ...asked, model: provider()("tiny") }).textStream) streamed += part;
    expect(streamed).toBe(text);
    expect((await generateText({ ...asked, model: provider().chat("tiny") })).text).toBe(text);
  });

  test("makes objects, and runs tools in steps", async () => {
    const { output } = await generateText({
      ...asked,
      maxOutputTokens: 100,
      model: provider()("tiny"),
      output: Output.object({ schema: City }),
    });
    expect(City.safeParse(output).success).toBe(true);
    const execute = vi.fn(() => "sunny");
    const { steps } = await generateText({
      ...asked,
      maxOutputTokens: 90,
      model: provider()("tiny"),
      tools: { weather: tool({ inputSchema: z.object({ city: z.literal("Rome") }), execute }) },
      toolChoice: { type: "tool", toolName: "weather" },
      stopWhen: stepCountIs(2),
    });
    expect(execute).toHaveBeenCalled();
    expect(steps).toHaveLength(2);
  });
});

describe("@langchain/openai", () => {
  const fields = {
    model: "tiny",
    apiKey: "-",
    maxRetries: 0,
    configuration: { baseURL: BASE_URL, fetch: (...args: Parameters<typeof fetch>) => fetch(...args) },
  };
  const chat = (options = {}) => new ChatOpenAI({ ...fields, temperature: 0, maxTokens: 12, ...options });

  test("invokes and streams, with usage", async () => {
    const text = await model.chat(QUESTION, { temperature: 0, maxTokens: 12 }).text();
    const message = await chat().invoke([new HumanMessage(QUESTION)]);
    expect(message.content).toBe(text);
    expect(message.usage_metadata).toMatchObject({ output_tokens: 12 });
    let streamed = "";
    for await (const chunk of await chat().stream(QUESTION)) streamed += chunk.content;
    expect(streamed).toBe(text);
  });

  test("makes structured output, by schema and by a call", async () => {
    for (const method of ["jsonSchema", "functionCalling"] as const) {
      const structured = chat({ maxTokens: 200 }).withStructuredOutput(City, { method });
      expect(City.safeParse(await structured.invoke(QUESTION)).success).toBe(true);
    }
  });

  test("binds tools", async () => {
    const bound = chat({ maxTokens: 200 }).bindTools(
      [
        langTool(() => "sunny", {
          name: "weather",
          description: "Weather",
          schema: z.object({ city: z.literal("Rome") }),
        }),
      ],
      { tool_choice: "required" },
    );
    const { tool_calls } = await bound.invoke(QUESTION);
    expect(tool_calls?.[0]).toMatchObject({ name: "weather", args: { city: "Rome" } });
  });

  test("completes and embeds", async () => {
    const completion = await new LangOpenAI({ ...fields, maxTokens: 5, temperature: 0 }).invoke("Once upon a time");
    expect(completion).toBe(await model.complete("Once upon a time", { maxTokens: 5, temperature: 0 }).text());
    const [vector] = await new OpenAIEmbeddings({ ...fields }).embedDocuments(["a cat"]);
    expect(vector).toEqual([...(await model.embed("a cat"))]);
  });

  test("hears of errors", async () => {
    await expect(chat({ model: "gpt-4o" }).invoke(QUESTION)).rejects.toMatchObject({ status: 404 });
  });
});

describe("an error within a stream ends it as an error", () => {
  const endless = { seed: 1, logit_bias: { 2: -100 } };

  /** Disposes of its model when the first text is there. */
  async function ended(read: (fetch: Handler, onText: () => void) => Promise<void>): Promise<void> {
    const own = await smallModel();
    await read(createHandler(own), () => void own.dispose());
    await own.dispose();
  }

  test("for openai", () =>
    ended(async (fetch, onText) => {
      const client = new OpenAI({ baseURL: BASE_URL, apiKey: "-", fetch, maxRetries: 0 });
      const stream = await client.chat.completions.create({ model: "m", messages, stream: true, ...endless });
      const read = async (): Promise<void> => {
        for await (const _ of stream) onText();
      };
      await expect(read()).rejects.toMatchObject({ code: "draining" });
      const response = await client.responses
        .create({ model: "m", input: "x", stream: true })
        .catch((error: unknown) => error);
      expect(response).toMatchObject({ status: 503, code: "draining" });
    }));

  test("for the AI SDK", () =>
    ended(async (fetch, onText) => {
      const provider = createOpenAICompatible({ name: "ll", baseURL: BASE_URL, fetch });
      const providerOptions = { ll: endless };
      const { fullStream } = streamText({
        model: provider("m"),
        prompt: "x",
        maxRetries: 0,
        providerOptions,
        onError: () => undefined,
      });
      const parts: string[] = [];
      for await (const { type } of fullStream) {
        parts.push(type);
        if (type === "text-delta") onText();
      }
      expect(parts).toContain("error");
    }));

  test("for LangChain", () =>
    ended(async (fetch, onText) => {
      const chat = new ChatOpenAI({
        model: "m",
        apiKey: "-",
        maxRetries: 0,
        configuration: { baseURL: BASE_URL, fetch: (...args: Parameters<Handler>) => fetch(...args) },
        modelKwargs: endless,
      });
      const read = async (): Promise<void> => {
        for await (const _ of await chat.stream("x")) onText();
      };
      await expect(read()).rejects.toThrow();
    }));
});
