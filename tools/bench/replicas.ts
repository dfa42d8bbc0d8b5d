// Replicas of ll-serve as processes of their own, from the sources, and HAProxy before them with the configuration of examples/scale.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./processes.ts";

const ROOT = join(import.meta.dirname, "../..");
const BIN = join(ROOT, "apps/server/src/bin.ts");
const CONFIGURATION = join(ROOT, "examples/scale/haproxy.cfg");
const LOOK_MS = 100;
const MOST_LOOKS = 300;

export interface Replicas {
  /** Of the replicas. */
  readonly ports: readonly number[];
  /** Of HAProxy. */
  readonly port: number;
  readonly processes: readonly ChildProcess[];
  close(): Promise<void>;
}

/** @param args of every replica, the model first */
export async function startReplicas(count: number, args: readonly string[]): Promise<Replicas> {
  const folder = mkdtempSync(join(tmpdir(), "ll-bench-"));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "close")));
    rmSync(folder, { recursive: true });
  };
  try {
    const ports: number[] = [];
    for (let i = 0; i < count; i++) {
      const port = await freePort();
      const node = ["--conditions=@ll/source", "--no-warnings", BIN];
      const own = [...args, "--port", String(port), "--log", "none"];
      const child = spawn(process.execPath, [...node, ...own], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      const isReady = once(child.stdout as NodeJS.ReadableStream, "data").then(() => true); // its address
      if (!(await Promise.race([isReady, once(child, "close").then(() => false)]))) throw new Error("a replica ended");
      ports.push(port);
    }
    const processes = [...children];
    const [port, watchPort] = [await freePort(), await freePort()];
    const path = join(folder, "haproxy.cfg");
    const servers = ports.map((replica, i) => `  server r${i} 127.0.0.1:${replica}\n`).join("");
    const text = readFileSync(CONFIGURATION, "utf8")
      .replace("bind :8080", `bind 127.0.0.1:${port}`)
      .replace("bind :8404", `bind 127.0.0.1:${watchPort}`)
      .replace(/^(?: {2}server .*\n)+/m, servers);
    writeFileSync(path, text);
    const systemPath = `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin`; // where Debian has it
    children.push(
      spawn("haproxy", ["-db", "-f", path], { env: { PATH: systemPath }, stdio: ["ignore", "ignore", "inherit"] }),
    );
    await untilUp(watchPort, count);
    return { ports, port, processes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Until HAProxy has found so many. */
async function untilUp(watchPort: number, count: number): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    const text = await fetch(`http://127.0.0.1:${watchPort}/metrics`).then(
      (response) => response.text(),
      () => "",
    );
    const up = text.match(/^haproxy_server_status\{proxy="replicas",.*state="UP"\} 1$/gm) ?? [];
    if (up.length === count) return;
    await sleep(LOOK_MS);
  }
  throw new Error("HAProxy does not find the replicas");
}
