// Ten times as many clients as replicas have places: how soon who finds none is told so, what that does to tokens of those who have one
// (beside one client alone, and beside as many as there are places), and to /health/live. Clients are a process of their own
// (overload-clients.ts). Prints one line of JSON for each way to the replicas: through HAProxy, and straight to them.
//   node --conditions=@ll/source tools/bench/measure-overload.ts [MODEL|tiny] [SECONDS] [CLIENTS] [haproxy,straight]

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SHORT_TEMPLATE, tinyModel } from "../tiny-model.ts";
import type { ClientFigures } from "./overload-clients.ts";
import { cpuSeconds, residentMb } from "./processes.ts";
import { startReplicas } from "./replicas.ts";
import { quantile } from "./statistics.ts";

const [SLOTS, QUEUE, REPLICAS] = [2, 4, 2];
const WATCH_MS = 50;

const [given = "tiny", seconds = "20", nClients = String(10 * REPLICAS * (SLOTS + QUEUE)), ways = "haproxy,straight"] =
  process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "ll-measure-overload-"));
const model = given === "tiny" ? join(folder, "tiny.bin") : given;
if (given === "tiny") writeFileSync(model, await tinyModel("q4_0"));
const template = join(folder, "template.json");
writeFileSync(template, JSON.stringify(SHORT_TEMPLATE));
try {
  for (const way of ways.split(",")) process.stdout.write(`${JSON.stringify(await measure(way === "haproxy"))}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(isBalanced: boolean): Promise<object> {
  const places = ["--slots", String(SLOTS), "--queue", String(QUEUE)];
  const args = [model, "--template", template, "-c", "256", "--threads", "1", ...places];
  const { ports, port, processes, close } = await startReplicas(REPLICAS, args);
  try {
    const asked = isBalanced ? [port] : ports;
    const alone = await clients([asked[0] as number], 1, 3);
    const full = await clients(asked, SLOTS * REPLICAS, 5); // every place is taken and nobody waits: what remains is what refusing costs
    const residentBefore = processes.map(({ pid }) => residentMb(pid));
    const cpuBefore = processes.map(({ pid }) => cpuSeconds(pid));
    const watched = watch(ports, Number(seconds));
    const loaded = await clients(asked, Number(nClients), Number(seconds));
    const liveMs = await watched;
    const spread = (values: readonly number[]) => ({
      n: values.length,
      ...Object.fromEntries([0.5, 0.99, 1].map((q) => [`p${100 * q}`, Number(quantile(values, q).toFixed(1))])),
    });
    return {
      way: isBalanced ? "through HAProxy" : "straight",
      ...{ clients: Number(nClients), seconds: Number(seconds), cores: cpus().length, loadBefore: loadavg()[0] },
      served: loaded.served,
      failures: loaded.failures,
      refusedMs: spread(loaded.refusedMs),
      liveMs: spread(liveMs),
      pauseMs: { alone: spread(alone.pauses), full: spread(full.pauses), loaded: spread(loaded.pauses) },
      cpuSecondsOfReplicas: processes.map(({ pid }, i) =>
        Number((cpuSeconds(pid) - (cpuBefore[i] as number)).toFixed(1)),
      ),
      cpuSecondsOfClients: loaded.cpuSeconds,
      grownMb: processes.map(({ pid }, i) => Math.round(residentMb(pid) - (residentBefore[i] as number))),
    };
  } finally {
    await close();
  }
}

/** What came of so many clients that ask these ports for so long. */
async function clients(ports: readonly number[], n: number, forSeconds: number): Promise<ClientFigures> {
  const script = join(import.meta.dirname, "overload-clients.ts");
  const child = spawn(process.execPath, ["--no-warnings", script, ports.join(","), String(n), String(forSeconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(text) as ClientFigures;
}

async function watch(ports: readonly number[], forSeconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + 1000 * forSeconds;
  while (performance.now() < end) {
    for (const port of ports) times.push(await live(port));
    await sleep(WATCH_MS);
  }
  return times;
}

function live(port: number): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path: "/health/live", agent: false }, (incoming) => {
      incoming.resume().on("end", () => resolve(performance.now() - start));
    });
    outgoing.on("error", reject).end();
  });
}
