// Options of ll-serve that choose a model and how it runs: each is heard, and the texts are what they have to be. And its last exit code.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModel } from "@ll/chat/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMIT, startHub } from "../../../packages/hub/test/support/hub-server.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { tinyGguf } from "../../cli/test/gguf-model.ts";
import { nameOf } from "../src/named-model.ts";
import { portOf, runServer } from "./support/serve-process.ts";
import { ask } from "./support/test-server.ts";

const STORY = { prompt: "Once upon a time", max_tokens: 24, seed: 1 };
let folder: string;
let model: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ll-serve-"));
  model = join(folder, "tiny.bin");
  writeFileSync(model, await tinyModel("q4_0"));
});

afterAll(() => rmSync(folder, { recursive: true }));

test("caches, batches and guesses: the text is that of the library without guesses", async () => {
  const types = ["--cache-type-k", "q8_0", "--cache-type-v", "f32", "-b", "16", "-c", "256"];
  const server = runServer([model, "--port", "0", ...types, "--draft-model", model, "--draft", "6", "--lookup", "4"]);
  const port = await portOf(server);
  const { body } = await ask(port, "/v1/completions", { body: STORY });
  const expected = await openModel(model, { contextTokens: 256, kvType: { k: "q8_0", v: "f32" } });
  expect(body.choices[0].text).toBe(await expected.complete(STORY.prompt, { seed: 1, maxTokens: 24 }).text());
  await expected.dispose();
  const { draft_n, draft_n_accepted } = body.ll.timings;
  expect(draft_n_accepted).toBeGreaterThan(0);
  expect(draft_n).toBeGreaterThanOrEqual(draft_n_accepted);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain(`ll_drafted_tokens_total{result="accepted"} ${draft_n_accepted}`);
  server.kill("SIGTERM");
  expect(await server.ended).toBe(0);
});

describe("a model by its name", () => {
  test("is downloaded to the folder of all programs, and answers under the name of its repository", async () => {
    const bytes = await tinyGguf();
    const hub = await startHub({ "ll/tiny": { commit: COMMIT, files: { "Tiny-Q8_0.gguf": bytes } } });
    const env = { LL_CACHE: join(folder, "cache"), HF_ENDPOINT: hub.endpoint };
    const options = ["--port", "0", "-c", "128", "--slots", "1"];
    const server = runServer(["hf:ll/tiny", ...options], env);
    const port = await portOf(server);
    expect((await ask(port, "/v1/models")).body.data[0].id).toBe("tiny");
    const { body } = await ask(port, "/v1/completions", { body: { ...STORY, max_tokens: 4 } });
    expect(body.choices[0].text).not.toBe("");
    expect(server.err()).toMatch(/hf:ll\/tiny: (\d+) of \1 MiB downloaded/);
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);

    const none = runServer(["hf:ll/none", ...options], env);
    expect(await none.ended).toBe(1);
    expect(none.err()).toMatch(/there is no such repository, or it is private/);
    const offline = runServer(["hf:ll/other", ...options], { ...env, HF_HUB_OFFLINE: "1" });
    expect(await offline.ended).toBe(4);
  });

  test.each([
    ["/models/tiny-q4_0.bin", "tiny-q4_0"],
    ["hf:ll/tiny", "tiny"],
    ["hf:ll/tiny:Q4_K_M@main", "tiny:Q4_K_M"],
    ["https://example.org/a/tiny.gguf?download=true", "tiny"],
  ])("%s is called %s", (given, name) => expect(nameOf(given)).toBe(name));
});

test("what cannot be is refused", async () => {
  for (const [args, code, message] of [
    [["--lookup", "65"], 2, /--lookup expected a number from 0 to 64, got 65/],
    [["--cache-type-k", "q4_0"], 2, /--cache-type-k expected f16, f32, q8_0, got q4_0/],
    [["--lora-base", model], 2, /--lora-base goes with --lora/],
    [["--lora", model], 3, /ll-convert --lora/],
  ] as const) {
    const server = runServer([model, "--port", "0", ...args]);
    expect(await server.ended).toBe(code);
    expect(server.err()).toMatch(message);
  }
});

test("an engine that dies, and cannot be started again: the answer ends with an error, the process with exit code 6", async () => {
  const preload = join(import.meta.dirname, "support/kill-workers.mjs");
  const server = runServer([model, "--port", "0", "-t", "2", "--log", "none"], { LL_TEST_DEADLY: "1" }, preload);
  const port = await portOf(server);
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...STORY, max_tokens: 2000, ignore_eos: true, stream: true }),
  });
  let text = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (text === "") server.kill("SIGUSR2");
    text += piece;
  }
  expect(text).toContain('"code":"engine_failed"');
  expect(text).not.toContain("[DONE]");
  expect(await server.ended).toBe(6);
  expect(server.err()).toContain("the engine failed, and could not be started again");
});
