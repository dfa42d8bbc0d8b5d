// A server over real HTTP: clients, seeds under load, ends of all kinds.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { runHere } from "../../cli/test/programs.ts";
import { ask, startsServers, type TestServer } from "./support/test-server.ts";

const start = startsServers();
const CHAT = "/v1/chat/completions";
/** What hangs is ended. */
const PATIENCE = { timeout: 200_000, interval: 5 };
const messages = [{ role: "user" as const, content: "Who is it?" }];
const expectFree = ({ host }: TestServer) =>
  vi.waitFor(() => {
    expect(host.model?.stats()).toMatchObject({ running: 0, waiting: 0 });
    expect(host.model?.stats().slots.every(({ state }) => state === "idle")).toBe(true);
  }, PATIENCE);

describe("clients", () => {
  test("of OpenAI: models, chat, streams, calls, completions, embeddings, responses, errors", async () => {
    const server = await start({ contextTokens: 512 });
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "-", maxRetries: 0 });
    const asked = { model: "tiny", messages, seed: 1, max_tokens: 8 };
    for await (const { id } of client.models.list()) expect(id).toBe("tiny");
    const whole = await client.chat.completions.create(asked);
    expect(await client.chat.completions.stream(asked).finalContent()).toBe(whole.choices[0]?.message.content);
    const tools = [{ type: "function" as const, function: { name: "now" } }];
    const call = await client.chat.completions.create({
      ...asked,
      max_tokens: 99,
      tools,
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    expect(call.choices[0]?.finish_reason).toBe("tool_calls");
    const completion = await client.completions.create({ model: "tiny", prompt: "Once", max_tokens: 3, seed: 1 });
    expect(completion.choices[0]?.text).toBeTruthy();
    const { data } = await client.embeddings.create({ model: "tiny", input: "a cat" });
    expect(data[0]?.embedding).toHaveLength(128);
    const response = await client.responses.create({ model: "tiny", input: "Who?", max_output_tokens: 3 });
    expect(response.status).toBe("incomplete");
    await expect(client.chat.completions.create({ ...asked, model: "x" })).rejects.toMatchObject({ status: 404 });
    await expect(client.chat.completions.create({ ...asked, top_p: 2 })).rejects.toMatchObject({ status: 400 });
    expect(server.lines.map(({ route, status }) => `${route} ${status}`)).toContain("/chat/completions 404");
    expect(server.lines.find(({ route }) => route === "/embeddings")?.bytes).toBeGreaterThan(500);
  });

  test("of the AI SDK and of LangChain, streamed and not", async () => {
    const server = await start();
    const ll = createOpenAICompatible({ name: "ll", baseURL: `${server.url}/v1`, includeUsage: true });
    const asked = {
      model: ll("tiny"),
      prompt: "Who is it?",
      seed: 1,
      temperature: 0,
      maxOutputTokens: 8,
      maxRetries: 0,
    };
    const { text } = await generateText(asked);
    let streamed = "";
    for await (const part of streamText(asked).textStream) streamed += part;
    expect(streamed).toBe(text);
    const chat = new ChatOpenAI({
      ...{ model: "tiny", apiKey: "-", maxRetries: 0, temperature: 0, maxTokens: 8 },
      configuration: { baseURL: `${server.url}/v1` },
    });
    expect((await chat.invoke("Who is it?")).content).toBe(text);
  });
});

/** Seeded requests of all kinds: texts and logprobs do not depend on who else asks. */
const SEEDED = Array.from({ length: 40 }, (_, i) => {
  const more = i % 4 === 0 ? { logprobs: true, top_logprobs: 2 } : i % 4 === 1 ? { n: 2 } : {};
  const content =
    i % 3 === 0 ? `A long question of number ${i}, which takes a while to read and to think of?` : `${i}?`;
  return { messages: [{ role: "user", content }], seed: i, max_tokens: 6 + (i % 9), temperature: 1.2, ...more };
});

const textsOf = ({ body }: Awaited<ReturnType<typeof ask>>) => JSON.stringify(body.choices);

test("forty seeded requests alone are those at once, and those among others that leave, to the bit, with 1 to 3 threads", async () => {
  const alone = await start({ slots: 2, threads: 1 });
  const expected: string[] = [];
  for (const body of SEEDED) expected.push(textsOf(await ask(alone.port, CHAT, { body })));
  const three = await start({ slots: 4, maxWaiting: 200, threads: 3 });
  const together = await Promise.all(SEEDED.map((body) => ask(three.port, CHAT, { body })));
  expect(together.map(textsOf)).toEqual(expected);
  const crowd = await start({ slots: 4, maxWaiting: 200, threads: 2 });
  // others come, and half of them leave in the queue, in the prompt or while they are answered
  let random = 1;
  const next = (most: number) => {
    random = (random * 48271) % 2147483647;
    return random % most;
  };
  const kept = SEEDED.map(async (body, i) => {
    await new Promise((resolve) => setTimeout(resolve, next(100)));
    return [i, textsOf(await ask(crowd.port, CHAT, { body }))] as const;
  });
  const leavers = Array.from({ length: 40 }, async (_, i) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), next(150));
    const body = JSON.stringify({ messages, seed: i, max_tokens: 60, ignore_eos: true, stream: i % 2 === 0 });
    const headers = { "content-type": "application/json" };
    await fetch(`${crowd.url}${CHAT}`, { method: "POST", headers, body, signal: controller.signal })
      .then((response) => response.text())
      .catch(() => undefined);
  });
  for (const [i, text] of await Promise.all(kept)) expect(text).toBe(expected[i]);
  await Promise.all(leavers);
  await expectFree(crowd);
});

test("clients that leave free their slots, in the queue, in the prompt and while they are answered", async () => {
  const server = await start({ slots: 2, maxWaiting: 256, contextTokens: 512 });
  const golden = { messages, seed: 5, max_tokens: 12 };
  const expected = textsOf(await ask(server.port, CHAT, { body: golden }));
  for (let round = 0; round < 3; round++) {
    const answers = Array.from({ length: 40 }, async (_, i) => {
      if (i % 2 === 0) return textsOf(await ask(server.port, CHAT, { body: golden }));
      const controller = new AbortController();
      const content = i % 4 === 1 ? "word ".repeat(200) : "Hi";
      const response = fetch(`${server.url}${CHAT}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ messages: [{ role: "user", content }], stream: true, ignore_eos: true }),
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(), (i * 7 + round * 13) % 90);
      await response.then((answer) => answer.text()).catch(() => undefined);
      return expected;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([expected]));
    await expectFree(server);
  }
  expect(server.lines.some(({ status }) => status === 499)).toBe(true);
  const { body: metrics } = await ask(server.port, "/metrics");
  expect(metrics).toMatch(/ll_requests_cancelled_total\{phase="(queue|prompt|generate)"\} [1-9]/);
  expect(metrics).toMatch(/ll_requests_running 0\n/);
});

test("the next turn of a conversation computes what is new, also when others came between, and from another slot", async () => {
  const server = await start({ slots: 2, contextTokens: 512 });
  const first = { role: "user", content: "A question of some length about a cat and a dog?" };
  const one = await ask(server.port, CHAT, { body: { messages: [first], seed: 1, max_tokens: 8 } });
  for (const content of ["Another one?", "And this?", "What else is there?"]) {
    await ask(server.port, CHAT, { body: { messages: [{ role: "user", content }], seed: 1, max_tokens: 4 } });
  }
  const answer = { role: "assistant", content: one.body.choices[0].message.content };
  const more = [first, answer, { role: "user", content: "More?" }];
  const { body } = await ask(server.port, CHAT, { body: { messages: more, seed: 1, max_tokens: 2 } });
  const { prompt_tokens, prompt_tokens_details } = body.usage;
  // white space at the ends of an answer is not said again
  expect(prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(one.body.usage.prompt_tokens);
  expect(prompt_tokens - prompt_tokens_details.cached_tokens).toBeLessThan(20);
  const { body: metrics } = await ask(server.port, "/metrics");
  const cached = /ll_prompt_tokens_total\{source="cached"\} (\d+)/.exec(metrics)?.[1];
  expect(Number(cached)).toBeGreaterThanOrEqual(prompt_tokens_details.cached_tokens);
  // two at once: one of them has to take over what another slot holds
  const both = { body: { messages: more, seed: 1, max_tokens: 9, ignore_eos: true } };
  for (const { body } of await Promise.all([1, 2].map(() => ask(server.port, CHAT, both)))) {
    expect(body.usage.prompt_tokens_details.cached_tokens).toBe(prompt_tokens - 1);
  }
});

describe("when it is full", () => {
  test("others are told when to come again; health and models are answered", async () => {
    const server = await start({ slots: 1, maxWaiting: 1, contextTokens: 2048 });
    const controller = new AbortController();
    const stream = () =>
      fetch(`${server.url}${CHAT}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ messages, ignore_eos: true, max_tokens: 1900, stream: true }), // many more steps than the test has
        signal: controller.signal,
      });
    await stream();
    const second = (await stream()).body?.getReader(); // the headers come when it is accepted
    expect(new TextDecoder().decode((await second?.read())?.value)).toBe(": ping\n\n");
    const third = await ask(server.port, CHAT, { body: { messages } });
    expect([third.status, third.body.error.code]).toEqual([503, "overloaded"]);
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask(server.port, "/health")).status).toBe(200);
    expect((await ask(server.port, "/v1/models")).status).toBe(200);
    const { body: slots } = await ask(server.port, "/slots");
    expect(slots).toContainEqual(
      expect.objectContaining({ state: expect.stringMatching(/prompt|generating/), n_ctx: 2048 }),
    );
    controller.abort();
    await expectFree(server);
    const { body: metrics } = await ask(server.port, "/metrics");
    expect(metrics).toMatch(/ll_requests_total\{route="\/chat\/completions",status="503"\} 1/);
  });
});

describe("states", () => {
  test("before the model is loaded, and when it goes down", async () => {
    const server = await start({ isLoaded: false, contextTokens: 1024 });
    const ready = () => ask(server.port, "/health/ready");
    expect(await ready()).toMatchObject({ status: 503, body: { status: "loading" } });
    expect((await ask(server.port, "/health/live")).status).toBe(200);
    const early = await ask(server.port, CHAT, { body: { messages } });
    expect(early).toMatchObject({ status: 503, body: { error: { code: "loading" } } });
    await server.host.load();
    expect((await ready()).body).toEqual({ status: "ok" });
    const long = ask(server.port, CHAT, { body: { messages, ignore_eos: true, max_tokens: 900, stream: true } });
    await vi.waitFor(() => expect(server.nAnswers()).toBe(1), { ...PATIENCE, interval: 1 });
    server.host.leave();
    expect(await ready()).toMatchObject({ status: 503, body: { status: "draining" } });
    expect((await ask(server.port, CHAT, { body: { messages, max_tokens: 1 } })).status).toBe(200);
    server.host.drain();
    expect(await ready()).toMatchObject({ status: 503, body: { status: "draining" } });
    const late = await ask(server.port, CHAT, { body: { messages } });
    expect(late).toMatchObject({
      status: 503,
      body: { error: { code: "draining" } },
      headers: { connection: "close" },
    });
    expect((await long).body).toMatch(/\[DONE\]\n\n$/);
  });
});

test("the logprobs of a text that is echoed add up to what ll-perplexity says of it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ll-serve-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const model = join(directory, "model.bin");
  writeFileSync(model, await tinyModel("q4_0"));
  const text = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ".repeat(
    3,
  );
  const argv = ["-m", model, "-p", text, "-c", "32", "-t", "1", "--json"];
  const { windows } = JSON.parse((await runHere("ll-perplexity", argv)).stdout);
  expect(windows.length).toBeGreaterThan(1);
  const server = await start();
  const { tokens } = (await ask(server.port, "/tokenize", { body: { content: text, add_special: true } })).body;
  for (const [i, { perplexity, scored }] of windows.entries()) {
    const chunk = [1, ...tokens.slice(32 * i + 1, 32 * (i + 1))]; // each begins anew
    const body = { prompt: chunk, max_tokens: 1, echo: true, logprobs: 0 };
    const { choices } = (await ask(server.port, "/v1/completions", { body })).body;
    const logprobs: number[] = choices[0].logprobs.token_logprobs.slice(32 - scored, 32);
    const surprise = -logprobs.reduce((sum, one) => sum + one, 0);
    // which rounds every probability to binary32
    expect(Math.exp(surprise / scored) / perplexity).toBeCloseTo(1, 6);
  }
});

test("paths of the server itself say which methods they take", async () => {
  const { port } = await start();
  for (const path of ["/health", "/health/live", "/v1/health", "/metrics", "/props"]) {
    const { status, headers } = await ask(port, path, { method: "DELETE" });
    expect({ path, status, allow: headers["allow"] }).toEqual({ path, status: 405, allow: "GET, HEAD" });
  }
});

test("a request keeps the id that its client gave, if it is one; ours never holds theirs", async () => {
  const server = await start();
  const id = async (given: string) =>
    (await ask(server.port, "/health", { headers: { "x-request-id": given } })).headers["x-request-id"];
  expect(await id("my-id.7")).toBe("my-id.7");
  expect(await id("a b")).toMatch(/^[0-9a-f-]{36}$/);
  expect(server.lines.map((line) => line.id)).toContain("my-id.7");
});
