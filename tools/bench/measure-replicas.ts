// Two replicas of one thread behind HAProxy against one of two threads: tokens per second of 8 streams, in turn, and the ratio of each round.
// node --conditions=@ll/source tools/bench/measure-replicas.ts MODEL [ROUNDS] [TOKENS]

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./statistics.ts";

const ROOT = join(import.meta.dirname, "../..");
const STREAMS = 8;
const PORTS = { balancer: 18_080, watch: 18_404, replicas: 18_081 };

const [model, rounds = "5", tokens = "64"] = process.argv.slice(2);
if (model === undefined) throw new Error("expected a model file: measure-replicas.ts MODEL [ROUNDS] [TOKENS]");

const folder = mkdtempSync(join(tmpdir(), "ll-bench-"));
const ratios: number[] = [];
try {
  for (let round = 0; round < Number(rounds); round++) {
    const many = await measure(2, 1);
    const one = await measure(1, 2);
    ratios.push(many / one);
    console.log(JSON.stringify({ round, twoOfOneThread: many, oneOfTwoThreads: one, ratio: many / one }));
  }
  console.log(JSON.stringify({ ratio: median(ratios), tokensPerStream: Number(tokens), streams: STREAMS }));
} finally {
  rmSync(folder, { recursive: true });
}

/** Tokens per second of all streams together, behind the first round that warms up. */
async function measure(nReplicas: number, threads: number): Promise<number> {
  const children: ChildProcess[] = [];
  try {
    const servers: string[] = [];
    for (let i = 0; i < nReplicas; i++) {
      const port = PORTS.replicas + i;
      const bin = join(ROOT, "apps/server/src/bin.ts");
      const args = [model as string, "--port", String(port), "--threads", String(threads), "--slots", String(STREAMS)];
      const node = ["--conditions=@ll/source", "--no-warnings", bin];
      const child = spawn(
        process.execPath,
        [...node, ...args, "--log", "none", "-c", "512", "--contexts", String(STREAMS)],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      children.push(child);
      await once(child.stdout as NodeJS.ReadableStream, "data"); // its address: it is ready
      servers.push(`  server r${i} 127.0.0.1:${port}\n`);
    }
    const path = join(folder, "haproxy.cfg");
    const text = readFileSync(join(ROOT, "examples/scale/haproxy.cfg"), "utf8")
      .replace("bind :8080", `bind 127.0.0.1:${PORTS.balancer}`)
      .replace("bind :8404", `bind 127.0.0.1:${PORTS.watch}`)
      .replace(/^(?: {2}server .*\n)+/m, servers.join(""));
    writeFileSync(path, text);
    children.push(spawn("haproxy", ["-db", "-f", path], { stdio: ["ignore", "ignore", "inherit"] }));
    await new Promise((resolve) => setTimeout(resolve, 2000)); // until it has found them
    await streams();
    const start = performance.now();
    const drawn = await streams();
    return (1000 * drawn) / (performance.now() - start);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "close")));
  }
}

/** Tokens that all streams drew. */
async function streams(): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: STREAMS }, async (_, i) => {
      const body = { messages: [{ role: "user", content: `${i}. Tell me a story.` }], seed: i, ignore_eos: true };
      const response = await fetch(`http://127.0.0.1:${PORTS.balancer}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...body, max_tokens: Number(tokens) }),
      });
      if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
      return ((await response.json()) as { usage: { completion_tokens: number } }).usage.completion_tokens;
    }),
  );
  return counts.reduce((sum, n) => sum + n, 0);
}
