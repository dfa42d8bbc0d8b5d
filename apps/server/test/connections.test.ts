// What a connection may do and take: slow senders, readers that do not read, bodies of any size, many that say nothing.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ask, startsServers, type TestServer } from "./support/test-server.ts";

const start = startsServers();
const CHAT = "/v1/chat/completions";
const messages = [{ role: "user" as const, content: "Who is it?" }];
const HEAD = `POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\n`;
const JSON_HEAD = `${HEAD}content-type: application/json\r\n`;
/** What hangs is ended. */
const PATIENCE = { timeout: 100_000, interval: 5 };

function posted(body: object): string {
  const text = JSON.stringify(body);
  return `${JSON_HEAD}content-length: ${text.length}\r\n\r\n${text}`;
}

function isFree({ host }: TestServer): boolean {
  const stats = host.model?.stats();
  return stats?.running === 0 && stats.waiting === 0 && stats.slots.every(({ state }) => state === "idle");
}

const untilFree = (server: TestServer) => vi.waitFor(() => expect(isFree(server)).toBe(true), PATIENCE);

/** Sends texts with pauses; what came when the server closed. */
function talk(port: number, texts: readonly string[], pauseMs = 0): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1");
    const timers = texts.map((text, i) => setTimeout(() => socket.writable && socket.write(text), i * pauseMs));
    socket.on("data", (piece) => {
      answer += piece;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const timer of timers) clearTimeout(timer);
      resolve(answer);
    });
  });
}

test("slow headers, slow bodies and connections that say nothing are ended", async () => {
  const limits = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 };
  const server = await start({ limits });
  const letters = Array.from({ length: 1000 }, () => "x");
  const slowHeaders = await talk(server.port, [`${HEAD}x-slow: `, ...letters], 50);
  expect(slowHeaders).toMatch(/^HTTP\/1\.1 40[08] /); // on a busy machine Node's parser now and then says 400
  const slowBody = await talk(server.port, [`${JSON_HEAD}content-length: 5000\r\n\r\n`, ...letters], 50);
  expect(slowBody).toMatch(/^(HTTP\/1\.1 408 |$)/);
  expect(await talk(server.port, [])).toMatch(/^HTTP\/1\.1 408 /);
  expect(await talk(server.port, [`${HEAD}x-long: ${"x".repeat(20_000)}\r\n\r\n`])).toMatch(/^HTTP\/1\.1 431 /);
  expect(isFree(server)).toBe(true);
});

test("a body that is sent letter by letter is read as any other", async () => {
  const server = await start();
  const letters = [...posted({ messages, seed: 1, max_tokens: 2 })];
  const last = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  expect(await talk(server.port, [...letters, last], 1)).toMatch(/"completion_tokens":2/);
});

test("no body is none", async () => {
  const server = await start();
  const close = "connection: close\r\n\r\n";
  for (const head of [JSON_HEAD, `${JSON_HEAD}content-length: 0\r\n`]) {
    expect(await talk(server.port, [head + close])).toMatch(/^HTTP\/1\.1 400 .*"code":"invalid_json"/s);
  }
  expect(await talk(server.port, [HEAD + close])).toMatch(/^HTTP\/1\.1 415 /);
});

test("bodies up to 4 MiB and no byte more, also in chunks", async () => {
  const server = await start();
  const body = (n: number) => {
    const text = JSON.stringify({ messages, max_tokens: 1, user: "" });
    return text.replace('"user":""', `"user":"${"x".repeat(n - text.length)}"`);
  };
  const most = 4 * 1024 * 1024;
  for (const headers of [{}, { "transfer-encoding": "chunked" }] as const) {
    expect((await ask(server.port, CHAT, { body: body(most), headers })).status).toBe(200);
    expect((await ask(server.port, CHAT, { body: body(most + 1), headers })).status).toBe(413);
  }
});

test("64 levels and no more", async () => {
  const server = await start();
  const body = (levels: number) =>
    JSON.stringify({ messages, max_tokens: 1, metadata: "" }).replace(
      '"metadata":""',
      `"metadata":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}`,
    );
  expect((await ask(server.port, CHAT, { body: body(64) })).status).toBe(200);
  expect(await ask(server.port, CHAT, { body: body(65) })).toMatchObject({
    status: 400,
    body: { error: { code: "invalid_json" } },
  });
});

test("a client that closes its half is one that left", async () => {
  const server = await start({ slots: 1 });
  const half = connect({ port: server.port, host: "127.0.0.1" }, () =>
    half.end(posted({ messages, ignore_eos: true, stream: true })),
  );
  half.on("error", () => undefined);
  await vi.waitFor(() => expect(server.lines).toHaveLength(1), PATIENCE);
  await untilFree(server);
});

test("a reader that does not read is given up, and holds up nobody", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ll-connections-"));
  const told = vi.spyOn(console, "error").mockImplementation(() => undefined); // by the adapter
  onTestFinished(() => {
    told.mockRestore();
    rmSync(folder, { recursive: true });
  });
  // the buffers of a socket of this kind are small
  const server = await start({ slots: 2, contextTokens: 2048, path: join(folder, "s") });
  // with all that can be said of a token, an answer is far longer than what is kept of one
  const body = { messages, ignore_eos: true, stream: true, logprobs: true, top_logprobs: 20, max_tokens: 2000 };
  const silent = connect({ path: join(folder, "s") }, () => silent.write(posted(body)));
  silent.on("error", () => undefined);
  silent.pause();
  await vi.waitFor(() => expect(server.nAnswers()).toBe(1), { ...PATIENCE, interval: 1 });
  const other = { messages, seed: 1, max_tokens: 4 };
  expect(await talkTo({ path: join(folder, "s") }, posted(other))).toMatch(/"completion_tokens":4/);
  await vi.waitFor(() => expect(server.lines.map(({ status }) => status)).toContain(499), PATIENCE);
  await untilFree(server);
  expect(server.host.model?.stats().evaluatedTokens).toBeLessThan(2000); // it did not come to its end
  silent.destroy();
});

/** The answer to one request. */
function talkTo(address: NetConnectOpts, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(address, () => socket.write(text.replace("\r\n", "\r\nconnection: close\r\n")));
    socket.on("data", (piece) => {
      answer += piece;
    });
    socket.on("close", () => resolve(answer));
  });
}

test("requests that follow each other on one connection are answered in order", async () => {
  const server = await start();
  const one = (n: number) => posted({ messages, seed: 1, max_tokens: n });
  const last = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  const answer = await talk(server.port, [one(9) + one(1) + one(5) + last]);
  expect([...answer.matchAll(/"completion_tokens":(\d+)/g)].map(([, n]) => n)).toEqual(["9", "1", "5"]);
});

test("of 2,000 connections that say nothing, 1,024 are kept; whoever was there is answered, and who comes when they have left", async () => {
  const server = await start();
  const { maxConnections } = server.http;
  expect(maxConnections).toBe(1024);
  let nDropped = 0;
  server.http.on("drop", () => nDropped++);
  const first = await connected(server.port);
  const idle: Socket[] = [];
  for (let i = 0; i < 2000; i++) idle.push(await connected(server.port));
  await vi.waitFor(() => expect(nDropped).toBe(2001 - maxConnections), PATIENCE);
  // those that have no place are closed, and nothing else happens to them
  await vi.waitFor(() => expect(idle.filter(({ destroyed }) => destroyed)).toHaveLength(nDropped), PATIENCE);
  const answer = new Promise((resolve) => first.on("data", (piece) => resolve(String(piece))));
  first.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of idle) socket.destroy();
  const open = () => new Promise((resolve) => server.http.getConnections((_, n) => resolve(n)));
  await vi.waitFor(async () => expect(await open()).toBe(1), PATIENCE);
  expect((await ask(server.port, CHAT, { body: { messages, max_tokens: 1 } })).status).toBe(200);
  first.destroy();
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.resume(); // the end is heard by whoever reads
    socket.on("error", () => reject(new Error("no connection")));
  });
}
