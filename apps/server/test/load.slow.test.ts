// A server under many clients for a while: no slot and no memory is lost, and whoever stays gets the answer that a lone client gets.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc } from "@fast-check/vitest";
import { expect, onTestFinished, test } from "vitest";
import { expectStopped, stopTexts, textPath } from "../../../packages/openai-api/test/support/stop-texts.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { ask, startServer } from "./support/test-server.ts";

const CHAT = "/v1/chat/completions";
const messages = [{ role: "user", content: "Who is it?" }];
/** Of the run for memory. */
const REQUESTS = Number(process.env["LL_REQUESTS"] ?? 3000);
/** Until then the process grows to what it needs. */
const WARM_UP = Math.max(1500, REQUESTS / 5);
const AT_ONCE = 8;

test("200 clients, half of which leave, in ten rounds", async () => {
  const server = await startServer({ slots: 4, maxWaiting: 256, contextTokens: 512 });
  const golden = { messages, seed: 5, max_tokens: 8, temperature: 1 };
  const { body } = await ask(server.port, CHAT, { body: golden });
  const expected = JSON.stringify(body.choices);
  let left = 0;
  for (let round = 0; round < 10; round++) {
    const clients = Array.from({ length: 200 }, async (_, i) => {
      if (i % 2 === 0) {
        const answer = await ask(server.port, CHAT, { body: golden });
        expect(JSON.stringify(answer.body.choices)).toBe(expected);
        return;
      }
      const controller = new AbortController();
      setTimeout(() => controller.abort(), (i * 37 + round * 101) % 1500);
      const content = i % 4 === 1 ? "word ".repeat(200) : "Hi";
      const leaver = { messages: [{ role: "user", content }], stream: i % 8 > 3, ignore_eos: true, max_tokens: 200 };
      await fetch(`${server.url}${CHAT}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(leaver),
        signal: controller.signal,
      })
        .then((response) => response.text())
        .catch(() => left++);
    });
    await Promise.all(clients);
    const free = { running: 0, waiting: 0 };
    await expect.poll(() => server.host.model?.stats(), { interval: 10, timeout: 200_000 }).toMatchObject(free);
    expect(server.host.model?.stats().slots.every(({ state }) => state === "idle")).toBe(true);
  }
  expect(left).toBeGreaterThan(100);
  expect(server.errors).toEqual([]);
  await server.close();
});

test("answers end before the first of 1,000 random sets of stop texts, streamed and not", async () => {
  const server = await startServer({ contextTokens: 512 });
  const asked = (path: string, body: object) => ask(server.port, path, { body });
  const ends = fc.asyncProperty(stopTexts, textPath, (stops, path) => expectStopped(asked, stops, path));
  await fc.assert(ends, { numRuns: 1000 });
  await server.close();
});

test(`${REQUESTS} requests leave no memory behind`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "ll-serve-"));
  const model = join(folder, "tiny.bin");
  writeFileSync(model, await tinyModel("q4_0"));
  const bin = join(import.meta.dirname, "../src/bin.ts");
  // a heap that ends at 96 MiB, so that V8 collects instead of growing, and the process is as large as what it holds
  const args = [
    "--conditions=@ll/source",
    "--no-warnings",
    "--max-semi-space-size=4",
    "--max-old-space-size=96",
    bin,
    model,
    "--port",
    "0",
    "--log",
    "none",
    "-c",
    "256",
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  onTestFinished(async () => {
    agent.destroy();
    child.kill("SIGTERM");
    await new Promise((resolve) => child.on("close", resolve));
    rmSync(folder, { recursive: true });
  });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  await expect.poll(() => out, { timeout: 100_000 }).toMatch(/\n$/);
  const port = Number(/:(\d+)\n/.exec(out)?.[1]);
  const residentBytes = async (): Promise<number> => {
    const { body } = await ask(port, "/metrics");
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(body)?.[1]);
  };
  let sent = 0;
  const client = async (until: number): Promise<void> => {
    while (sent < until) {
      const i = sent++;
      const body = {
        messages: [{ role: "user", content: `Number ${i}?` }],
        seed: i,
        max_tokens: 2,
        stream: i % 2 === 0,
      };
      expect((await ask(port, CHAT, { body, agent })).status).toBe(200);
    }
  };
  const run = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => client(until)));
  await run(WARM_UP);
  const before = await residentBytes();
  await run(REQUESTS);
  const after = await residentBytes();
  const slope = (after - before) / (REQUESTS - WARM_UP);
  process.stderr.write(`${REQUESTS} requests: ${before} to ${after} bytes, ${slope.toFixed(1)} a request\n`);
  // at few requests, what a process takes and gives back by the way weighs on each of them
  expect(slope).toBeLessThan(REQUESTS >= 10_000 ? 1024 : 8 * 1024);
});
