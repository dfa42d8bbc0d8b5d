// The life of the model: loaded, dead, loaded again, given up; stuck.

import { WorkerError } from "@ll/bytes";
import type { ChatModel } from "@ll/chat";
import { AnswerError } from "@ll/chat";
import { expect, test, vi } from "vitest";
import { ModelHost } from "../src/model-host.ts";
import { ask, startServer } from "./support/test-server.ts";

const dead = () => new AnswerError("E_ENGINE", "the engine failed", { cause: new WorkerError("a worker died") });

function newHost() {
  const model = { dispose: vi.fn(async () => undefined), stats: () => ({ running: 1 }) } as unknown as ChatModel;
  const calls = { open: vi.fn(async () => model), onReady: vi.fn(), onReload: vi.fn(), onFailed: vi.fn() };
  const clock = { ms: 0 };
  const host = new ModelHost({ ...calls, now: () => clock.ms });
  return { host, calls, model, clock };
}

test("a dead engine is loaded again, three times in ten minutes; then it is given up", async () => {
  const { host, calls, clock } = newHost();
  expect(() => host.ready()).toThrow("being loaded");
  await host.load();
  await host.answerFailed(new Error("something else"));
  expect(host.state).toBe("ready");
  for (let i = 0; i < 3; i++) {
    const reloading = host.answerFailed(dead());
    expect([host.state, host.trouble, host.unready().code]).toEqual(["reloading", "reloading", "engine_failed"]);
    await host.answerFailed(dead()); // of another answer: heard once
    await reloading;
    expect(host.state).toBe("ready");
  }
  clock.ms = 600_001;
  await host.answerFailed(dead());
  expect(host.state).toBe("ready");
  for (let i = 0; i < 3; i++) await host.answerFailed(dead());
  expect(host.state).toBe("failed");
  expect(calls.onFailed).toHaveBeenCalledOnce();
  expect(calls.open).toHaveBeenCalledTimes(7);
  expect(() => host.ready()).toThrow("could not be started again");
});

test("a model that cannot be opened again is given up, one that goes down is not opened", async () => {
  const { host, calls } = newHost();
  await host.load();
  calls.open.mockRejectedValueOnce(new Error("no memory"));
  await host.answerFailed(dead());
  expect(calls.onFailed).toHaveBeenCalledOnce();
  const other = newHost();
  const loading = other.host.load();
  other.host.drain();
  await loading;
  expect(other.model.dispose).toHaveBeenCalledOnce();
  expect(other.host.model).toBeUndefined();
});

test("an engine that does not move for a minute is stuck", async () => {
  const { host, clock } = newHost();
  await host.load();
  clock.ms = 60_000;
  expect(host.isStalled).toBe(false);
  clock.ms = 60_001;
  expect(host.isStalled).toBe(true);
  host.stepped(10_000);
  clock.ms += 100_000; // twenty of the usual steps are not over
  expect(host.isStalled).toBe(false);
  clock.ms += 100_001;
  expect(host.isStalled).toBe(true);
});

test("clients of a dead engine hear of it, and those who come later are answered", async () => {
  const server = await startServer();
  const { model } = server.host;
  const chat = vi.spyOn(model!, "chat").mockImplementation(() => {
    throw dead();
  });
  const body = { messages: [{ role: "user", content: "x" }], seed: 1, max_tokens: 2 };
  const failed = await ask(server.port, "/v1/chat/completions", { body });
  expect(failed).toMatchObject({ status: 500, body: { error: { code: "engine_failed", type: "server_error" } } });
  expect(chat).toHaveBeenCalledOnce();
  await vi.waitFor(() => expect(server.host.state).toBe("ready"));
  expect(server.host.model).not.toBe(model);
  expect((await ask(server.port, "/v1/chat/completions", { body })).status).toBe(200);
  await server.close();
});
