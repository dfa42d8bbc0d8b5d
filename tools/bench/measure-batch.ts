// What a queue costs and what a second machine brings: a run alone, one through Redis with one worker, one with two, of one thread each, in
// turn. Prints one line of JSON: seconds of each, and the medians of the ratios of each round. Wants redis-server and a quiet machine.
//   node --conditions=@ll/source tools/bench/measure-batch.ts [MODEL|tiny] [LINES] [ROUNDS]

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "../tiny-model.ts";
import { freePort } from "./replicas.ts";
import { medianRatio } from "./statistics.ts";

const BIN = join(import.meta.dirname, "../../apps/batch/src/bin.ts");
const NODE = ["--conditions=@ll/source", "--no-warnings", BIN];
const MODEL_OPTIONS = ["-t", "1", "-c", "512", "--chunk-lines", "16"];
const TOKENS = 64;

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
const seconds: Record<"alone" | "one" | "two", number[]> = { alone: [], one: [], two: [] };
try {
  for (let round = 0; round < Number(nRounds); round++) {
    seconds.alone.push(await run([]));
    const workers = [await startWorker()];
    seconds.one.push(await run(["--queue", queue, "--check-every", "0"]));
    workers.push(await startWorker());
    seconds.two.push(await run(["--queue", queue, "--check-every", "0"]));
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
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** Seconds of a run from its start to its output, its model's loading included where it has one. */
async function run(more: readonly string[]): Promise<number> {
  const output = join(folder, "out.jsonl");
  const args = ["run", input, output, "-m", model, ...MODEL_OPTIONS, "--quiet", "--json", ...more];
  const child = spawn(process.execPath, [...NODE, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  await new Promise((resolve) => child.once("close", resolve));
  rmSync(output);
  return (JSON.parse(text) as { seconds: number }).seconds;
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
