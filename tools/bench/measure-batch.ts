// What a queue costs and what a second machine brings: a run alone, one through Redis with one worker, one with two, of one thread each, in
// turn. Prints one line of JSON: seconds of each, and the medians of the ratios of each round; and the same by processor time, which a busy machine
// changes less: what the queue adds to all processes together, and the share of the work that the busier of two workers had. Wants redis-server.
//   node --conditions=@ll/source tools/bench/measure-batch.ts [MODEL|tiny] [LINES] [ROUNDS]

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "../tiny-model.ts";
import { cpuSeconds, freePort } from "./processes.ts";
import { medianRatio } from "./statistics.ts";

const BIN = join(import.meta.dirname, "../../apps/batch/src/bin.ts");
const NODE = ["--conditions=@ll/source", "--no-warnings", BIN];
const MODEL_OPTIONS = ["-t", "1", "-c", "512", "--chunk-lines", "16"];
const TOKENS = 64;
/** Between two looks at the processor time of a run, the last of which counts. */
const LOOK_MS = 20;

const [given = "tiny", nLines = "320", nRounds = "5"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "ll-measure-batch-"));
const model = given === "tiny" ? join(folder, "tiny.bin") : given;
if (given === "tiny") writeFileSync(model, await tinyModel("q4_0"));
const input = join(folder, "in.jsonl");
const lines = Array.from({ length: Number(nLines) }, (_, i) => {
  const body = { prompt: `Once upon a time, number ${i}`, max_tokens: TOKENS, ignore_eos: true };
  return `${JSON.stringify({ custom_id: String(i), method: "POST", url: "/v1/completions", body })}\n`;
});
writeFileSync(input, lines.join(""));

const port = await freePort();
const redis = spawn("redis-server", ["--port", String(port), "--save", "", "--dir", folder], { stdio: "ignore" });
const queue = `redis://127.0.0.1:${port}`;
type Name = "alone" | "one" | "two";
const seconds: Record<Name, number[]> = { alone: [], one: [], two: [] };
/** Of all processes, and of the worker that had most. */
const cpu: Record<Name, number[]> = { alone: [], one: [], two: [] };
const busiest: Record<Name, number[]> = { alone: [], one: [], two: [] };
try {
  for (let round = 0; round < Number(nRounds); round++) {
    await measure("alone", []);
    const workers = [await startWorker()];
    await measure("one", workers);
    workers.push(await startWorker());
    await measure("two", workers);
    for (const worker of workers) await ended(worker, "SIGTERM");
  }
} finally {
  await ended(redis, "SIGKILL");
  rmSync(folder, { recursive: true });
}
const figures = {
  lines: lines.length,
  seconds,
  queueOverhead: medianRatio(seconds.one, seconds.alone) - 1,
  twoWorkersAgainstOne: medianRatio(seconds.one, seconds.two),
  cpu: {
    seconds: cpu,
    queueOverhead: medianRatio(cpu.one, cpu.alone) - 1,
    twoWorkersAgainstOne: medianRatio(busiest.one, busiest.two),
  },
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function measure(name: Name, workers: readonly ChildProcess[]): Promise<void> {
  const before = workers.map(({ pid }) => cpuSeconds(pid));
  const own = await run(workers.length === 0 ? [] : ["--queue", queue, "--check-every", "0"]);
  const worked = workers.map(({ pid }, i) => cpuSeconds(pid) - (before[i] as number));
  seconds[name].push(own.seconds);
  cpu[name].push(worked.reduce((sum, one) => sum + one, own.cpu));
  busiest[name].push(Math.max(...worked, 0));
}

interface Run {
  /** From its start to its output, its model's loading included where it has one. */
  readonly seconds: number;
  /** Of its process, from before its modules are loaded. */
  readonly cpu: number;
}

async function run(more: readonly string[]): Promise<Run> {
  const output = join(folder, "out.jsonl");
  const args = ["run", input, output, "-m", model, ...MODEL_OPTIONS, "--quiet", "--json", ...more];
  const child = spawn(process.execPath, [...NODE, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  let used = 0;
  const timer = setInterval(() => {
    if (child.exitCode === null) used = cpuSeconds(child.pid);
  }, LOOK_MS);
  await new Promise((resolve) => child.once("close", resolve));
  clearInterval(timer);
  rmSync(output);
  return { seconds: (JSON.parse(text) as { seconds: number }).seconds, cpu: used };
}

/** A worker whose model is loaded. */
function startWorker(): Promise<ChildProcess> {
  const args = ["work", "-m", model, ...MODEL_OPTIONS.slice(0, 4), "--queue", queue];
  const child = spawn(process.execPath, [...NODE, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  return new Promise((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes(" works: ")) resolve(child);
    });
    child.once("close", () => reject(new Error("a worker ended")));
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const end = new Promise((resolve) => child.once("close", resolve));
  child.kill(signal);
  await end;
}
