// Replicas of ll-serve as processes, and the real HAProxy before them with the configuration of examples/scale.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, vi } from "vitest";
import { SHORT_TEMPLATE, tinyModel } from "../../../../tools/tiny-model.ts";
import { ask } from "./test-server.ts";

const BIN = join(import.meta.dirname, "../../src/bin.ts");
export const EXAMPLES = join(import.meta.dirname, "../../../../examples/scale");

const PATIENCE = { timeout: 100_000, interval: 50 };

/** Where Debian has it, which is no place for everybody's programs. */
export const SYSTEM_PATH = `${process.env["PATH"]}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`;

/** Undefined if HAProxy is here, else what to call tests that want it. */
export const NO_HAPROXY =
  spawnSync("haproxy", ["-v"], { env: { PATH: SYSTEM_PATH } }).status === 0
    ? undefined
    : "(needs haproxy: apt-get install haproxy)";

/** What `haproxy -c` says of a file. */
export function checkHaproxy(path: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync("haproxy", ["-c", "-f", path], {
    env: { PATH: SYSTEM_PATH },
    encoding: "utf8",
  });
  return { status, said: `${stdout}${stderr}` };
}

export interface Replica {
  readonly name: string;
  readonly port: number;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  ended(): Promise<number | string>;
  /** Again, where it was. */
  start(): Promise<void>;
  residentBytes(): number;
}

export interface Balancer {
  readonly port: number;
  /** Resolves when it sends requests to all of these. */
  up(replicas: readonly Replica[]): Promise<void>;
}

export interface Cluster {
  readonly replicas: readonly Replica[];
  readonly balancer: Balancer;
  close(): Promise<void>;
}

/** @param args of every replica */
export async function startCluster(nReplicas: number, args: readonly string[]): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "ll-replicas-"));
  const model = join(folder, "tiny.bin");
  const template = join(folder, "template.json");
  writeFileSync(model, await tinyModel("q4_0"));
  writeFileSync(template, JSON.stringify(SHORT_TEMPLATE));
  const own = [model, "--template", template, "--threads", "1", "--log", "none", ...args];
  const replicas = await Promise.all(
    Array.from({ length: nReplicas }, (_, i) => startReplica(String.fromCharCode(97 + i), own)),
  );
  const { stop, ...balancer } = await startBalancer(replicas, join(folder, "haproxy.cfg"));
  return {
    replicas,
    balancer,
    async close() {
      await stop();
      for (const replica of replicas) replica.kill("SIGKILL");
      await Promise.all(replicas.map((replica) => replica.ended()));
      rmSync(folder, { recursive: true });
    },
  };
}

async function startReplica(name: string, args: readonly string[]): Promise<Replica> {
  let child: ChildProcess;
  let ended: Promise<number | string>;
  const run = async (port: number): Promise<number> => {
    // a young generation of a fixed size, so that the process is as large as what it holds
    const node = ["--conditions=@ll/source", "--no-warnings", "--max-semi-space-size=4", BIN];
    child = spawn(process.execPath, [...node, ...args, "--port", String(port)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    process.once("exit", () => child.kill("SIGKILL")); // whatever becomes of the tests
    let out = "";
    child.stdout?.on("data", (text) => {
      out += text;
    });
    ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? "nothing")));
    await vi.waitFor(() => expect(out).toMatch(/^http:.*\n$/), PATIENCE);
    return Number(/:(\d+)\n/.exec(out)?.[1]);
  };
  const port = await run(0);
  return {
    name,
    port,
    kill: (signal) => void child.kill(signal),
    ended: () => ended,
    start: async () => void (await run(port)),
    residentBytes: () =>
      1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]),
  };
}

async function startBalancer(
  replicas: readonly Replica[],
  path: string,
): Promise<Balancer & { stop(): Promise<unknown> }> {
  const [port, watchPort] = [await freePort(), await freePort()];
  const own = readFileSync(join(EXAMPLES, "haproxy.cfg"), "utf8");
  const servers = replicas.map((replica) => `  server ${replica.name} 127.0.0.1:${replica.port}\n`).join("");
  const text = own
    .replace("bind :8080", `bind 127.0.0.1:${port}`)
    .replace("bind :8404", `bind 127.0.0.1:${watchPort}`)
    .replace(/^(?: {2}server .*\n)+/m, servers);
  for (const part of [`:${port}\n`, `:${watchPort}\n`, servers]) expect(text).toContain(part);
  writeFileSync(path, text);
  const child = spawn("haproxy", ["-db", "-f", path], {
    env: { PATH: SYSTEM_PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (piece) => {
    said += piece;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const status = async (): Promise<string> => (await ask(watchPort, "/metrics").catch(() => undefined))?.body ?? said;
  const up = async (wanted: readonly Replica[]): Promise<void> => {
    const lines = wanted.map(({ name }) => `haproxy_server_status{proxy="replicas",server="${name}",state="UP"} 1`);
    await vi.waitFor(async () => {
      const text = await status();
      for (const line of lines) expect(text).toContain(line);
    }, PATIENCE);
  };
  await up(replicas);
  const stop = (): Promise<unknown> => {
    child.kill("SIGKILL");
    return ended;
  };
  return { port, up, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What came of a stream. */
export interface Streamed {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Name of who answered. */
  readonly replica: string;
  readonly seed: number;
  readonly text: string;
  /** It came to its end. */
  readonly isWhole: boolean;
  readonly ms: number;
  /** Milliseconds between its texts. */
  readonly pauses: readonly number[];
}

/** A chat as a stream, up to its end or its break. */
export function streamChat(
  port: number,
  body: object,
  onFirst: (replica: string) => void = () => undefined,
): Promise<Streamed> {
  const start = performance.now();
  return new Promise((resolve) => {
    let [status, retryAfter, replica] = [0, undefined as string | undefined, ""];
    let events = "";
    let textAt = 0;
    const pauses: number[] = [];
    const end = (): void => {
      const chunks = [...events.matchAll(/^data: (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json));
      const text = chunks.map(({ choices }) => choices?.[0]?.delta.content ?? "").join("");
      const seed = chunks[0]?.ll?.seed ?? -1;
      const isWhole = events.endsWith("data: [DONE]\n\n");
      resolve({ status, retryAfter, replica, seed, text, isWhole, ms: performance.now() - start, pauses });
    };
    const headers = { "content-type": "application/json" };
    const options = { host: "127.0.0.1", port, path: "/v1/chat/completions", method: "POST", headers, agent: false };
    const outgoing = request(options, (incoming) => {
      status = incoming.statusCode ?? 0;
      retryAfter = incoming.headers["retry-after"];
      replica = String(incoming.headers["x-replica"]);
      incoming.setEncoding("utf8").on("data", (piece: string) => {
        const now = performance.now();
        if (textAt > 0) pauses.push(now - textAt);
        else if (/"content":"[^"]/.test(piece)) onFirst(replica);
        if (textAt > 0 || /"content":"[^"]/.test(piece)) textAt = now;
        events += piece;
      });
      incoming.on("close", end);
      incoming.on("error", () => undefined); // the end tells what there is of it
    });
    outgoing.on("error", end);
    outgoing.end(JSON.stringify({ ...body, stream: true }));
  });
}
