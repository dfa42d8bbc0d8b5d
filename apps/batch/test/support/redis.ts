// A Redis of its own, on a port of its own; the real one, from the distribution.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { describe, test } from "vitest";
import type { Folder } from "./programs.ts";

const isThere = spawnSync("redis-server", ["--version"]).status === 0;

/** Tests with a real Redis; where there is none, one test that is skipped and says so. */
export function describeWithRedis(name: string, body: () => void): void {
  if (isThere) describe(name, body);
  else test(name, ({ skip }) => skip("redis-server is not installed"));
}

export interface RedisServer {
  readonly url: string;
  readonly client: Redis;
  /** Another connection, which ends with the server. */
  connect(): Redis;
  /** Ends it as nobody wants it to, and starts it again with what it had written. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** @param folder keeps what it writes */
export async function startRedis(folder: Folder, ...more: string[]): Promise<RedisServer> {
  const port = await freePort();
  const settings = ["--port", String(port), "--dir", folder.path(""), "--save", "", "--appendonly", "yes"];
  const launch = (): ChildProcess =>
    spawn("redis-server", [...settings, "--bind", "127.0.0.1", "--maxmemory-policy", "noeviction", ...more], {
      stdio: "ignore",
    });
  const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("close", resolve));
  let server = launch();
  const url = `redis://127.0.0.1:${port}`;
  const connections: Redis[] = [];
  const connect = (): Redis => {
    const connection = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    connection.on("error", () => undefined); // as long as it is not there
    connections.push(connection);
    return connection;
  };
  const client = connect();
  await client.ping().catch(() => undefined); // it may want a password
  return {
    ...{ url, client, connect },
    async crash() {
      const end = ended(server);
      server.kill("SIGKILL");
      await end;
      server = launch();
      await client.ping();
    },
    async stop() {
      for (const connection of connections) connection.disconnect();
      const end = ended(server);
      server.kill("SIGKILL");
      await end;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
