// Answers to the byte, errors by their class, ends of all kinds.

import type { ChatModel, ChatTemplate, OpenOptions } from "@ll/chat";
import { PLAIN_FORMAT } from "@ll/chat/formats";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, createHandler } from "../src/index.ts";
import { asker, eventsOf, smallModel } from "./support/small-model.ts";

const open: ChatModel[] = [];
const newModel = async (options: OpenOptions = {}) => {
  const model = await smallModel(options);
  open.push(model);
  return model;
};

afterEach(async () => {
  for (const model of open.splice(0)) await model.dispose();
});

const messages = [{ role: "user", content: "Hi" }];
const parameters = { type: "object", properties: { city: { enum: ["Rome"] } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", parameters } }];

/** Without what differs from run to run. */
function steady(stream: string): string {
  return stream
    .replace(/"(chatcmpl-|cmpl-|resp_|msg_|fc_|rs_|call_)\w{24}"/g, '"$1"')
    .replace(/"(\w+_ms)":\d+/g, '"$1":0')
    .replace(/"ll-[0-9a-f]{12}"/g, '"ll-"');
}

describe("streams to the byte", () => {
  test.each([
    ["a chat", "/v1/chat/completions", { messages, max_tokens: 3, stream_options: { include_usage: true } }],
    ["a call", "/v1/chat/completions", { messages, tools, tool_choice: "required", parallel_tool_calls: false }],
    ["a completion", "/v1/completions", { prompt: "Once upon a time", max_tokens: 2, echo: true }],
    ["a response", "/v1/responses", { input: "Hi", max_output_tokens: 2 }],
    [
      "a response that is a call",
      "/v1/responses",
      {
        input: "Hi",
        tools: [{ type: "function", name: "weather", parameters }],
        tool_choice: "required",
        parallel_tool_calls: false,
      },
    ],
  ])("%s", async (_name, path, body) => {
    const { ask } = asker(await newModel());
    const { body: stream, headers } = await ask(path, { ...body, seed: 1, stream: true });
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(steady(stream)).toMatchSnapshot();
  });
});

describe("what is streamed is what comes whole", () => {
  test.each([1, 2, 3, 4, 5, 6])("seed %i: texts, logprobs and usage of two choices", async (seed) => {
    const { ask } = asker(await newModel());
    const body = {
      messages,
      seed,
      n: 2,
      max_tokens: 9,
      logprobs: true,
      top_logprobs: 2,
      temperature: 1.5,
      stop: ["e"],
    };
    const { body: whole } = await ask("/v1/chat/completions", body);
    const { body: stream } = await ask("/v1/chat/completions", { ...body, stream: true });
    for (const index of [0, 1]) {
      const choices = eventsOf(stream)
        .flatMap((event) => event.choices ?? [])
        .filter((one) => one.index === index);
      expect(choices.map(({ delta }) => delta.content ?? "").join("")).toBe(whole.choices[index].message.content);
      expect(choices.flatMap(({ logprobs }) => logprobs?.content ?? [])).toEqual(whole.choices[index].logprobs.content);
      expect(choices.at(-1).finish_reason).toBe(whole.choices[index].finish_reason);
    }
  });

  test("thoughts come apart from the text", async () => {
    const model = await newModel({
      template: {
        name: "thinking",
        format: { ...PLAIN_FORMAT, thought: { open: "<think>", close: "." } },
        stop: [],
        system: "",
        render: (_, tokenizer) => ({
          ids: [...tokenizer.encode("Once upon a time", { prompt: true })],
          startsInThought: true,
        }),
      },
    });
    const { ask } = asker(model);
    const body = { messages, seed: 1, max_tokens: 30 };
    const { body: whole } = await ask("/v1/chat/completions", body);
    const { message } = whole.choices[0];
    expect(message.reasoning_content).toMatch(/^, there was .*[a-z]$/);
    expect(message.content).toMatch(/^[A-Z]/);
    expect(whole.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(3);
    const { body: stream } = await ask("/v1/chat/completions", { ...body, stream: true });
    const deltas = eventsOf(stream).flatMap((event) => event.choices?.[0]?.delta ?? []);
    expect(deltas.map((delta) => delta.reasoning_content ?? "").join("")).toBe(message.reasoning_content);
    expect(deltas.map((delta) => delta.content ?? "").join("")).toBe(message.content);
    const { body: response } = await ask("/v1/responses", { input: "Hi", seed: 1, max_output_tokens: 30 });
    expect(response.output).toMatchObject([
      { type: "reasoning", content: [{ type: "reasoning_text", text: message.reasoning_content }] },
      { type: "message", content: [{ type: "output_text", text: message.content }] },
    ]);
  });
});

describe("choices", () => {
  test("the first is the answer of n = 1, and the prompt is evaluated once", async () => {
    const model = await newModel();
    const { ask } = asker(model);
    const long = [{ role: "user", content: "A long question about a cat and a dog and a bird and a house?" }];
    const ids = model.promptIds([{ role: "user", content: long[0]!.content }]);
    const { body: one } = await ask("/v1/chat/completions", {
      messages: long,
      seed: 7,
      max_tokens: 5,
      cache_prompt: false,
    });
    const before = model.stats().evaluatedTokens;
    const { body: four } = await ask("/v1/chat/completions", { messages: long, seed: 7, max_tokens: 5, n: 4 });
    // the prompt once, its last token for each choice, and what was drawn but for the last
    expect(model.stats().evaluatedTokens - before).toBeLessThanOrEqual(ids.length + 3 + 4 * 4);
    expect(four.choices[0].message).toEqual(one.choices[0].message);
    const { body: third } = await ask("/v1/chat/completions", { messages: long, seed: 9, max_tokens: 5 });
    expect(four.choices[2].message).toEqual(third.choices[0].message);
    expect(four.usage.prompt_tokens).toBe(one.usage.prompt_tokens);
  });

  test("a seed of 64 bits, none, and one that is told", async () => {
    const { ask } = asker(await newModel());
    const { body: drawn } = await ask("/v1/chat/completions", { messages, max_tokens: 9, temperature: 1.5 });
    const again = { messages, max_tokens: 9, temperature: 1.5, seed: drawn.ll.seed + 2 ** 40 };
    const { body: same } = await ask("/v1/chat/completions", again);
    expect(same.choices).toEqual(drawn.choices);
    expect(same.ll.seed).toBe(drawn.ll.seed);
  });
});

test("templates are handed what a request asks of them, and what they refuse is the client's to change", async () => {
  const render = vi.fn<ChatTemplate["render"]>((_, tokenizer) => ({
    ids: [...tokenizer.encode("Once", { prompt: true })],
    startsInThought: false,
  }));
  const template = { name: "asked", format: undefined, stop: [], system: "", render };
  const { ask } = asker(await newModel({ template }));
  const chat_template_kwargs = { enable_thinking: false, date: "today" };
  await ask("/v1/chat/completions", { messages, max_tokens: 1, chat_template_kwargs, reasoning_effort: "low" });
  expect(render.mock.lastCall?.[0]).toMatchObject({
    think: false,
    templateArguments: { date: "today", reasoning_effort: "low" },
  });
  await ask("/v1/responses", { input: "Hi", max_output_tokens: 1, reasoning: { effort: "none" } });
  expect(render.mock.lastCall?.[0]).toMatchObject({ think: false, templateArguments: { reasoning_effort: "none" } });
  render.mockImplementation(() => {
    throw Object.assign(new Error("roles must alternate"), { name: "TemplateError" });
  });
  const { status, body } = await ask("/v1/chat/completions", { messages });
  expect([status, body.error.param]).toEqual([400, "messages"]);
  expect(body.error.message).toContain("roles must alternate");
});

describe("conversations", () => {
  test("a last message of the assistant is continued", async () => {
    const { ask } = asker(await newModel());
    const prefilled = [...messages, { role: "assistant", content: "Once upon a" }];
    expect((await ask("/apply-template", { messages: prefilled })).body.prompt).toBe("Q: Hi\nA: Once upon a");
    const { body } = await ask("/v1/chat/completions", { messages: prefilled, temperature: 0, max_tokens: 1 });
    expect(body.choices[0].message.content).toBe("time");
  });

  test("calls and results go back as they were, and parts of text are joined", async () => {
    const { ask } = asker(await newModel());
    const call = { id: "call_1", type: "function", function: { name: "weather", arguments: '{ "city":"Rome"}' } };
    const { body } = await ask("/apply-template", {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Hi" },
            { type: "text", text: "!" },
          ],
        },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
      ],
    });
    expect(body.prompt).toContain('Q: Hi!\nA: <tool_call>\n{"name": "weather", "arguments": { "city":"Rome"}}');
    expect(body.prompt).toContain("<tool_response>\nsunny\n</tool_response>");
  });

  test("no tool is offered where none may be called", async () => {
    const { ask } = asker(await newModel());
    const { body: none } = await ask("/v1/chat/completions", { messages, tools, tool_choice: "none", max_tokens: 1 });
    const { body: plain } = await ask("/v1/chat/completions", { messages, max_tokens: 1 });
    expect(none.usage.prompt_tokens).toBe(plain.usage.prompt_tokens);
  });

  test("a call that the limit cuts is no call", async () => {
    const { ask } = asker(await newModel());
    for (const stream of [false, true]) {
      const asked = { messages, tools, tool_choice: "required", max_tokens: 12, seed: 1, stream };
      const { body } = await ask("/v1/chat/completions", asked);
      const reasons = stream
        ? eventsOf(body).flatMap((event) => event.choices?.[0]?.finish_reason ?? [])
        : [body.choices[0].finish_reason];
      expect(reasons).toEqual(["length"]);
    }
  });

  test("what a schema does not enforce is a warning", async () => {
    const { ask } = asker(await newModel());
    const schema = { type: "object", properties: { a: { type: "integer", multipleOf: 2 } }, required: ["a"] };
    const response_format = { type: "json_schema", json_schema: { name: "s", schema, strict: true } };
    const { body } = await ask("/v1/chat/completions", { messages, response_format, seed: 1 });
    expect(body.ll.warnings).toEqual(['/properties/a/multipleOf: "multipleOf" is not enforced']);
    expect(JSON.parse(body.choices[0].message.content)).toEqual({ a: expect.any(Number) });
    const { body: completion } = await ask("/v1/completions", { prompt: "Hi", max_tokens: 200, response_format });
    expect(JSON.parse(completion.choices[0].text)).toEqual({ a: expect.any(Number) });
  });
});

describe("errors", () => {
  const chat = "/v1/chat/completions";
  test.each<[string, string, object | string | undefined, number, string, string | null]>([
    ["no JSON", chat, "{", 400, "invalid_json", null],
    ["a list", chat, "[]", 400, "invalid_json", null],
    ["an empty body", chat, "", 400, "invalid_json", null],
    ["65 levels", chat, `{"a":${"[".repeat(64)}${"]".repeat(64)}}`, 400, "invalid_json", null],
    ["no messages", chat, {}, 400, "missing_field", "messages"],
    ["an empty list", chat, { messages: [] }, 400, "invalid_value", "messages"],
    ["4,097 messages", chat, { messages: Array(4097).fill(messages[0]) }, 400, "invalid_value", "messages"],
    ["a role", chat, { messages: [{ role: "robot", content: "x" }] }, 400, "invalid_value", "messages[0].role"],
    ["no content", chat, { messages: [{ role: "user" }] }, 400, "missing_field", "messages[0].content"],
    [
      "neither text nor calls",
      chat,
      { messages: [{ role: "assistant" }] },
      400,
      "missing_field",
      "messages[0].content",
    ],
    [
      "a part",
      chat,
      { messages: [{ role: "user", content: [{ type: "input_audio" }] }] },
      400,
      "unsupported_parameter",
      "messages[0].content[0]",
    ],
    [
      "arguments",
      chat,
      { messages: [{ role: "assistant", tool_calls: [{ id: "1", function: { name: "f", arguments: "{" } }] }] },
      400,
      "invalid_value",
      "messages[0].tool_calls[0].function.arguments",
    ],
    ["temperature", chat, { messages, temperature: "1" }, 400, "invalid_value", "temperature"],
    ["a seed with a fraction", chat, { messages, seed: 1.5 }, 400, "invalid_value", "seed"],
    ["an empty stop", chat, { messages, stop: ["a", ""] }, 400, "invalid_value", "stop[1]"],
    ["17 stops", chat, { messages, stop: Array(17).fill("x") }, 400, "invalid_value", "stop"],
    ["a bias for no id", chat, { messages, logit_bias: { "1024": 1 } }, 400, "invalid_value", "logit_bias"],
    ["more choices than slots", chat, { messages, n: 5 }, 400, "invalid_value", "n"],
    ["top_logprobs alone", chat, { messages, top_logprobs: 1 }, 400, "invalid_value", "top_logprobs"],
    ["what was before tools", chat, { messages, functions: [] }, 400, "unsupported_parameter", "functions"],
    [
      "a tool of another kind",
      chat,
      { messages, tools: [{ type: "web_search" }] },
      400,
      "unsupported_parameter",
      "tools[0]",
    ],
    [
      "arguments that are no object",
      chat,
      { messages, tools: [{ type: "function", function: { name: "f", parameters: { type: "string" } } }] },
      400,
      "invalid_schema",
      "tools[0].parameters",
    ],
    ["a tool twice", chat, { messages, tools: [...tools, ...tools] }, 400, "invalid_value", "tools[1]"],
    [
      "a tool that is not there",
      chat,
      { messages, tools, tool_choice: { type: "function", function: { name: "f" } } },
      400,
      "invalid_value",
      "tool_choice",
    ],
    ["calls of no tool", chat, { messages, tool_choice: "required" }, 400, "invalid_value", "tool_choice"],
    [
      "a schema that is none",
      chat,
      {
        messages,
        response_format: { type: "json_schema", json_schema: { schema: { properties: { a: { type: "text" } } } } },
      },
      400,
      "invalid_schema",
      "/properties/a",
    ],
    [
      "a schema of 33 levels",
      chat,
      { messages, response_format: { type: "json_schema", json_schema: { schema: deep(33) } } },
      400,
      "invalid_schema",
      "response_format",
    ],
    [
      "a schema in a circle",
      chat,
      {
        messages,
        response_format: {
          type: "json_schema",
          json_schema: { schema: { type: "array", items: { $ref: "#/items" } } },
        },
      },
      400,
      "invalid_schema",
      "/items",
    ],
    [
      "a list as a schema",
      chat,
      { messages, response_format: { type: "json_object", schema: [] } },
      400,
      "invalid_value",
      "response_format.schema",
    ],
    ["biases as a list", chat, { messages, logit_bias: [1] }, 400, "invalid_value", "logit_bias"],
    [
      "arguments as a list",
      chat,
      { messages, chat_template_kwargs: [1] },
      400,
      "invalid_value",
      "chat_template_kwargs",
    ],
    [
      "a schema of a completion",
      "/v1/completions",
      { prompt: "x", response_format: { type: "json_object", schema: { type: "text" } } },
      400,
      "invalid_schema",
      null,
    ],
    ["a grammar", chat, { messages, grammar: "root ::= (" }, 400, "invalid_grammar", null],
    ["a model", chat, { messages, model: "gpt-4o" }, 404, "model_not_found", "model"],
    ["a suffix", "/v1/completions", { prompt: "x", suffix: "y" }, 400, "unsupported_parameter", "suffix"],
    ["no prompt", "/v1/completions", {}, 400, "missing_field", "prompt"],
    ["an id", "/v1/completions", { prompt: [1, 1024] }, 400, "invalid_value", "prompt[1]"],
    ["65 prompts", "/v1/completions", { prompt: Array(65).fill("x") }, 400, "invalid_value", "prompt"],
    ["an empty input", "/v1/embeddings", { input: ["x", ""] }, 400, "invalid_value", "input[1]"],
    ["an empty input alone", "/v1/embeddings", { input: "" }, 400, "invalid_value", "input"],
    ["an id of a text", "/detokenize", { tokens: [1, 2, 1024] }, 400, "invalid_value", "tokens[2]"],
    ["dimensions", "/v1/embeddings", { input: "x", dimensions: 3 }, 400, "invalid_value", "dimensions"],
    [
      "a memory",
      "/v1/responses",
      { input: "x", previous_response_id: "resp_1" },
      400,
      "unsupported_parameter",
      "previous_response_id",
    ],
    [
      "an item",
      "/v1/responses",
      { input: [{ type: "item_reference" }] },
      400,
      "unsupported_parameter",
      "input[0].type",
    ],
    ["a path", "/v1/files", undefined, 404, "not_found", null],
    ["a trailing slash", "/v1/models/", undefined, 404, "not_found", null],
    ["a model's name", "/v1/models/other", undefined, 404, "model_not_found", "model"],
    ["a method", chat, undefined, 405, "method_not_allowed", null],
    ["another method", "/v1/models", {}, 405, "method_not_allowed", null],
  ])("%s", async (_name, path, body, status, code, param) => {
    const onError = vi.fn();
    const { ask } = asker(await newModel(), { onError });
    const answer = await ask(path, body);
    expect(answer.body).toMatchObject({ error: { code, param, message: expect.stringMatching(/\w{3}/) } });
    expect(answer.body.error.message).not.toMatch(/expected (null|undefined)/);
    expect(answer.status).toBe(status);
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/POST|GET/);
    expect(onError).not.toHaveBeenCalled();
  });

  test("a prompt that is too long tells what both are", async () => {
    const { ask } = asker(await newModel());
    const { status, body } = await ask(chat, { messages: [{ role: "user", content: "x ".repeat(600) }], stream: true });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: "context_length_exceeded", n_prompt_tokens: 1207, n_ctx: 512 });
    expect(body.error.message).toMatch(/\(prompt 1207 tokens, context 512\)$/);
  });

  test("bodies: of another type, too large, no UTF-8", async () => {
    const { ask } = asker(await newModel(), { maxBodyBytes: 100 });
    const send = (body: BodyInit, type = "application/json; charset=utf-8") =>
      ask(chat, undefined, { method: "POST", body, headers: { "content-type": type } });
    expect(await send("{}", "text/plain")).toMatchObject({ status: 415 });
    expect(await send("{}")).toMatchObject({ status: 400 });
    expect(await send(`{"messages":[],"x":"${" ".repeat(78)}"}`)).toMatchObject({ status: 400 });
    expect(await send(`{"messages":[],"x":"${" ".repeat(79)}"}`)).toMatchObject({ status: 413 });
    const [byte] = [new Uint8Array([0x7b, 0xff, 0x7d])];
    expect(await send(byte as Uint8Array<ArrayBuffer>)).toMatchObject({ body: { error: { code: "invalid_json" } } });
  });

  test("what nobody foresaw is told, and not to the client", async () => {
    const model = await newModel();
    const onError = vi.fn();
    const secret = new Error("/secret/path");
    const broken = {
      ...model,
      chat: () => {
        throw secret;
      },
    };
    const { status, body } = await asker(broken, { onError }).ask(chat, { messages });
    expect(status).toBe(500);
    expect(body.error).toMatchObject({ type: "server_error", code: "internal_error" });
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(onError).toHaveBeenCalledWith(secret);
  });

  test("within a stream they are its last event", async () => {
    const model = await newModel();
    const { handler } = asker(model);
    const request = new Request(`http://ll.invalid${chat}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages, stream: true, ignore_eos: true }),
    });
    const response = await handler(request);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await model.dispose();
    let rest = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value;
    const events = eventsOf(rest);
    expect(events.at(-1)).toMatchObject({ error: { code: "draining", type: "overloaded_error" } });
    expect((await handler(new Request(request.url, { ...init(request), body: "{}" }))).status).toBe(400);
    expect((await asker(model).ask(chat, { messages })).status).toBe(503);
  });

  test("a body is not read where no place is free", async () => {
    const model = await newModel({ parallel: 1, contextTokens: 2048, scheduler: { maxWaiting: 0 } });
    const { handler } = asker(model);
    const running = model.chat("x", { ignoreEos: true });
    await vi.waitFor(() => expect(model.stats().running).toBe(1), { interval: 1 });
    for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/responses"]) {
      const body = new ReadableStream({ pull: () => expect.unreachable() }, { highWaterMark: 0 });
      const headers = { "content-type": "application/json" };
      const options = { method: "POST", headers, body, duplex: "half" } as RequestInit;
      const response = await handler(new Request(`http://ll.invalid${path}`, options));
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ error: { code: "overloaded" } });
    }
    running.cancel();
    await expect(running.result()).rejects.toMatchObject({ code: "E_CANCELLED" });
  });

  test("an ApiError is what an answer holds", async () => {
    const error = new ApiError({ status: 503, code: "overloaded", message: "full", headers: { "retry-after": "3" } });
    const response = error.toResponse();
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await response.json()).toEqual({
      error: { message: "full", type: "overloaded_error", param: null, code: "overloaded" },
    });
  });
});

function init({ method, headers }: Request) {
  return { method, headers };
}

function deep(levels: number): object {
  return levels === 1 ? {} : { not: deep(levels - 1) };
}

describe("ends", () => {
  test("a signal and a reader that leaves free the slot within a step", async () => {
    const model = await newModel({ parallel: 1, contextTokens: 2048 });
    const { handler } = asker(model);
    const url = "http://ll.invalid/v1/chat/completions";
    const post = (more: object, signal: AbortSignal | null = null) =>
      handler(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ messages, ignore_eos: true, ...more }),
        signal,
      });
    const expectFree = async (): Promise<void> => {
      const before = model.stats().evaluatedTokens;
      await vi.waitFor(() => expect(model.stats()).toMatchObject({ running: 0, waiting: 0 }), { interval: 1 });
      expect(model.stats().evaluatedTokens - before).toBeLessThanOrEqual(2);
    };
    // unstreamed
    const controller = new AbortController();
    const whole = post({}, controller.signal);
    await vi.waitFor(() => expect(model.stats().running).toBe(1));
    controller.abort(new Error("gone"));
    await expect(whole).rejects.toThrow("gone");
    await expectFree();
    // streamed, and a reader that leaves; a second leaving is none
    const reader = (await post({ stream: true })).body!.getReader();
    await reader.read();
    await reader.cancel();
    await reader.cancel();
    await expectFree();
    // streamed, and a signal: the body fails as that of `fetch` does
    const other = new AbortController();
    const streamed = (await post({ stream: true }, other.signal)).body!.getReader();
    await streamed.read();
    other.abort(new Error("gone"));
    await expect(
      (async () => {
        while (!(await streamed.read()).done);
      })(),
    ).rejects.toThrow("gone");
    await expectFree();
    // in the queue
    const first = new AbortController();
    const running = post({}, first.signal);
    const waiting = new AbortController();
    const queued = post({}, waiting.signal);
    await vi.waitFor(() => expect(model.stats()).toMatchObject({ running: 1, waiting: 1 }));
    waiting.abort(new Error("gone"));
    await expect(queued).rejects.toThrow("gone");
    expect(model.stats()).toMatchObject({ running: 1, waiting: 0 });
    first.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    await expectFree();
  });

  test("whoever has to wait hears of it at once", async () => {
    const model = await newModel({ parallel: 1 });
    const { handler } = asker(model);
    const stream = () =>
      handler("http://ll.invalid/v1/chat/completions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ messages, stream: true, max_tokens: 400, ignore_eos: true, seed: 1 }),
      });
    // an answer is there when its prompt is accepted
    const [first, second] = [await stream(), await stream()];
    expect((await first.text()).startsWith("data: ")).toBe(true);
    expect((await second.text()).startsWith(": ping\n\ndata: ")).toBe(true);
  });

  test("a name that nobody gave is answered to, and a stream says that it lives", async () => {
    const model = await newModel();
    const response = await createHandler(model, { pingMs: 1 })("http://ll.invalid/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "default", messages, max_tokens: 200, ignore_eos: true, stream: true }),
    });
    const text = await response.text();
    expect(eventsOf(text)[0].model).toBe("default");
  });
});

test("HEAD is GET without a body, and /v1 may be left out", async () => {
  const { ask } = asker(await newModel());
  expect(await ask("/v1/models", undefined, { method: "HEAD" })).toMatchObject({ status: 200 });
  const sampling = { temperature: 0.8, top_k: 40, repeat_penalty: 1.1, min_p: 0, dry_base: 1.75, mirostat: 0 };
  expect((await ask("/models")).body.data).toMatchObject([
    { id: "tiny", meta: { n_ctx: 512, type: "q4_0", sampling } },
  ]);
});

test.each([
  ["nothing", {}],
  ["properties", { properties: { a: { type: "integer" } }, required: ["a"] }],
  ["a reference", { $ref: "#/$defs/a", $defs: { a: { type: "object", additionalProperties: false } } }],
  ["alternatives", { anyOf: [{ type: "object", additionalProperties: false }] }],
])("arguments are an object where their schema says %s", async (_name, parameters) => {
  const { ask } = asker(await newModel());
  const { body } = await ask("/v1/chat/completions", {
    ...{ messages, seed: 1, max_tokens: 400, tool_choice: "required", parallel_tool_calls: false },
    tools: [{ type: "function", function: { name: "f", parameters } }],
  });
  const [{ message, finish_reason }] = body.choices;
  expect(body.ll.warnings).toEqual([]);
  expect({ content: message.content, finish_reason }).toEqual({ content: null, finish_reason: "tool_calls" });
  expect(JSON.parse(message.tool_calls[0].function.arguments)).toEqual(expect.any(Object));
});

test("tokens of a text and back", async () => {
  const { ask } = asker(await newModel());
  const { body } = await ask("/tokenize", { content: "Hi é", add_special: true, with_pieces: true });
  expect(body.tokens[0].id).toBe(1);
  expect(body.tokens.at(-1).piece).toEqual([169]);
  const { body: ids } = await ask("/tokenize", { content: "Hi é" });
  expect((await ask("/detokenize", ids)).body).toEqual({ content: "Hi é" });
});

test("the end of a text can be ignored", async () => {
  const { ask } = asker(await newModel({ contextTokens: 96 }));
  const { body } = await ask("/v1/completions", { prompt: "The end.", ignore_eos: true, max_tokens: 1000, seed: 1 });
  expect(body.choices[0].finish_reason).toBe("length");
  expect(body.usage.total_tokens).toBe(97);
});
