// ll-serve as a process: its one line, its port, signals, exit codes; and the examples of docs/server.md.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { BIN, portOf, runServer, type ServerProcess } from "./support/serve-process.ts";
import { ask } from "./support/test-server.ts";

const CHAT = "/v1/chat/completions";
let folder: string;
let model: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ll-serve-"));
  model = join(folder, "tiny.bin");
  writeFileSync(model, await tinyModel("q4_0"));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Served extends ServerProcess {
  readonly port: number;
}

async function serve(...args: string[]): Promise<Served> {
  const server = runServer([model, "--port", "0", ...args]);
  return { ...server, port: await portOf(server) };
}

const endless = { messages: [{ role: "user", content: "Hi" }], ignore_eos: true, stream: true };

/** Resolves to the whole answer; `onFirst` is called with its first piece. */
function stream(port: number, body: object, onFirst: () => void): Promise<string> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const outgoing = request({ port, host: "127.0.0.1", path: CHAT, method: "POST", headers }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (piece: string) => {
        if (text === "") onFirst();
        text += piece;
      });
      incoming.on("close", () => resolve(text));
    });
    outgoing.on("error", () => resolve("torn"));
    outgoing.end(JSON.stringify(body));
  });
}

describe("a server", () => {
  test("says where it is, and nothing else; answers go on when it is told to end", async () => {
    const portFile = join(folder, "port");
    const server = await serve(
      "--port-file",
      portFile,
      "--log",
      "json",
      "--alias",
      "a",
      "--alias",
      "b",
      "-s",
      "7",
      "--temp",
      "0.5",
    );
    expect(readFileSync(portFile, "utf8")).toBe(`${server.port}\n`);
    const models = await ask(server.port, "/v1/models");
    expect(models.body.data).toMatchObject([
      { id: "a", created: Math.floor(statSync(model).mtimeMs / 1000) },
      { id: "b" },
    ]);
    const sampling = { temperature: 0.5, top_k: 40, repeat_penalty: 1.1, seed: 7 };
    const { body: props } = await ask(server.port, "/props");
    expect(props).toMatchObject({ model: "a", sampling, fingerprint: expect.stringMatching(/^ll-[0-9a-f]{12}$/) });
    const body = { messages: endless.messages, max_tokens: 3 };
    const first = await ask(server.port, CHAT, { body });
    expect(first.body.ll.seed).toBe(7);
    const answer = await stream(server.port, { ...endless, max_tokens: 300 }, () => server.kill("SIGTERM"));
    expect(answer).toMatch(/"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/s);
    expect(await server.ended).toBe(0);
    expect(server.out()).toBe(`http://127.0.0.1:${server.port}\n`);
    const lines = server
      .err()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
    expect(lines.map(({ route, status }) => `${route} ${status}`)).toEqual([
      "/models 200",
      "/props 200",
      "/chat/completions 200",
      "/chat/completions 200",
    ]);
    expect(server.err().replaceAll(model, "")).not.toContain("Hi"); // the folder has a name that was drawn
  });

  test("answers that do not end in time end with an error; so does the process", async () => {
    const server = await serve("--drain-seconds", "0", "--log", "none");
    const answer = await stream(server.port, endless, () => server.kill("SIGINT"));
    expect(answer).toMatch(/"code":"draining"/);
    expect(answer).not.toContain("[DONE]");
    expect(await server.ended).toBe(130);
  });

  test("a worker that dies under four streams: four errors, a reload, and the next answer is what it was", async () => {
    const preload = join(import.meta.dirname, "support/kill-workers.mjs");
    const server = runServer([model, "--port", "0", "--threads", "2", "--log", "none"], {}, preload);
    const port = await portOf(server);
    const golden = { messages: endless.messages, seed: 3, max_tokens: 8 };
    const { body: before } = await ask(port, CHAT, { body: golden });
    let nBegun = 0;
    const begin = () => {
      if (++nBegun === 4) server.kill("SIGUSR2");
    };
    const answers = await Promise.all([1, 2, 3, 4].map((seed) => stream(port, { ...endless, seed }, begin)));
    for (const answer of answers) {
      expect(answer).toMatch(/"code":"engine_failed".*\n\n$/);
      expect(answer).not.toContain("[DONE]");
    }
    await expect.poll(async () => (await ask(port, "/health/ready")).status, { timeout: 100_000 }).toBe(200);
    expect(server.err()).toContain("the model is being loaded again");
    const { body: after } = await ask(port, CHAT, { body: golden });
    expect(after.choices).toEqual(before.choices);
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("a second signal ends at once", async () => {
    const server = await serve();
    const answer = await stream(server.port, endless, () => {
      server.kill("SIGTERM");
      setTimeout(() => server.kill("SIGTERM"), 200);
    });
    expect([0, 143]).toContain(await server.ended); // 0: it was faster
    expect(answer.length).toBeGreaterThan(0);
  });

  test("a client that breaks off is one line of the log", async () => {
    const server = await serve("--log", "text");
    const controller = new AbortController();
    const headers = { "content-type": "application/json" };
    const response = await fetch(`http://127.0.0.1:${server.port}${CHAT}`, {
      ...{ method: "POST", headers, body: JSON.stringify(endless), signal: controller.signal },
    });
    await response.body?.getReader().read();
    controller.abort();
    await expect.poll(server.err).toContain("status=499");
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    const said = server.err().trim().split("\n");
    expect(said.filter((line) => !/^(ll-serve: |\d{4}-)/.test(line))).toEqual([]);
    expect(server.out()).toBe(`http://127.0.0.1:${server.port}\n`);
  });

  test("a socket is for its owner alone", async () => {
    const path = join(folder, "ll.sock");
    const server = runServer([model, "--host", `unix:${path}`, "--log", "none"]);
    await expect.poll(server.out, { timeout: 100_000 }).toBe(`unix:${path}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const status = await new Promise((resolve, reject) => {
      request({ socketPath: path, path: "/health", headers: { host: "localhost" } }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });
});

describe("what is refused", () => {
  test.each<[string, (model: string) => string[], number, RegExp]>([
    ["no model", () => [], 2, /expected a model/],
    ["an option that is none", (m) => [m, "--prot", "1"], 2, /no such option: --prot/],
    ["an option without its value", (m) => [m, "--port"], 2, /--port expected N/],
    ["a port", (m) => [m, "--port", "65536"], 2, /--port expected a number from 0 to 65535/],
    ["two models", (m) => [m, m], 2, /expected one model/],
    ["fewer contexts than slots", (m) => [m, "--contexts", "1"], 2, /at least 4/],
    ["strangers without keys", (m) => [m, "--host", "0.0.0.0"], 2, /api-key-file/],
    ["a template", (m) => [m, "--port", "0", "--template", "none"], 2, /"template" expected/],
    ["a model that is not there", (m) => [`${m}.no`, "--port", "0"], 4, /no/],
    ["a model that is none", () => [BIN, "--port", "0"], 3, /ll-serve: /],
  ])("%s", async (_name, args, code, message) => {
    const child = runServer(args(model));
    expect(await child.ended).toBe(code);
    expect(child.err()).toMatch(message);
    expect(child.out()).toBe("");
  });

  test("an address that is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const child = runServer([model, "--port", String(port)]);
    expect(await child.ended).toBe(4);
    expect(child.err()).toMatch(/EADDRINUSE/);
    await new Promise((resolve) => taken.close(resolve));
  });

  test("help and version", async () => {
    const help = runServer(["--help"]);
    expect(await help.ended).toBe(0);
    expect(help.out()).toContain("--max-step-ms MS");
    const version = runServer(["--version"]);
    expect(await version.ended).toBe(0);
    expect(version.out()).toMatch(/^ll-serve \d+\.\d+\.\d+, Node \d+/);
  });

  test("keys come from a file, or from the environment", async () => {
    const file = join(folder, "keys");
    writeFileSync(file, "# mine\nsecret-one\n\n");
    const server = await serve("--api-key-file", file);
    expect((await ask(server.port, "/v1/models")).status).toBe(401);
    const headers = { authorization: "Bearer secret-one" };
    expect((await ask(server.port, "/v1/models", { headers })).status).toBe(200);
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
    expect(server.err()).not.toContain("secret");
    writeFileSync(file, "# none\n");
    expect(await runServer([model, "--api-key-file", file]).ended).toBe(2);
  });
});

describe("docs/server.md", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/server.md"), "utf8");

  test("lists every option of the help", async () => {
    const help = runServer(["--help"]);
    await help.ended;
    for (const [option] of help.out().matchAll(/--[a-z][\w-]+/g)) expect(text).toContain(`\`${option}`);
  });

  test("its examples answer", async () => {
    const server = await serve("--alias", "tiny");
    const examples = [...text.matchAll(/^```sh\n(curl .*?)^```/gms)].map(([, command = ""]) => command);
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) {
      const command = example.replaceAll("127.0.0.1:8080", `127.0.0.1:${server.port}`);
      const { stdout } = await promisify(execFile)("sh", ["-c", command]);
      expect(stdout, example).not.toContain('"error"');
      expect(stdout.length, example).toBeGreaterThan(10);
    }
    server.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });
});
