// Memory does not grow with the input: the program as it is built and run, many short lines. As a coordinator, with a model that answers
// with a word; by hand with 1 GB: LL_BATCH_MB=1024. Alone, with lines that are refused, which come faster than any that are answered.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modelFile, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, startRedis } from "./support/redis.ts";

const MB = Number(process.env["LL_BATCH_MB"] ?? 24);
const REFUSED_MB = 64;
/** Of these, Node itself has 80. */
const MOST_RSS_MB = 200;
/** With an engine. */
const MOST_ALONE_MB = 250;
const BUILT = join(import.meta.dirname, "../bin/ll-batch.js");
const WORKER = join(import.meta.dirname, "support/echo-child.ts");

/** Has the program say at its end how much it had at most, in KiB. */
const TELL =
  "data:text/javascript,process.on('exit', () => process.stdout.write(String(process.resourceUsage().maxRSS)))";

/** Lines of some 200 bytes, as many as fill so many MB; returns their number. */
function fill(path: string, mb: number, method: "POST" | "GET"): number {
  const file = openSync(path, "w");
  const text = "x".repeat(120);
  let [n, size] = [0, 0];
  while (size < mb * 1e6) {
    let piece = "";
    for (let i = 0; i < 1000; i++) {
      piece += `{"custom_id":"r${n++}","method":"${method}","url":"/v1/completions","body":{"prompt":"${text}"}}\n`;
    }
    size += writeSync(file, piece);
  }
  closeSync(file);
  return n;
}

/** Runs the program without any option of Node that bounds memory; returns the most that it had, in MB, if it ends with this code. */
async function peakOf(expected: number, ...args: string[]): Promise<number> {
  const program = spawn(process.execPath, [`--import=${TELL}`, BUILT, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  program.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const code = await new Promise((resolve) => program.once("close", resolve));
  if (code !== expected) throw new Error(`ended with ${code}`);
  return Math.round((Number(out) * 1024) / 1e6);
}

describeWithRedis("memory of a coordinator", () => {
  test(`${MB} MB of lines`, async () => {
    const folder = temporaryFolder();
    const server = await startRedis(folder);
    const model = await modelFile(folder);
    const worker = spawn(process.execPath, ["--conditions=@ll/source", "--no-warnings", WORKER, server.url, model], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [path, out] = [folder.path("in.jsonl"), folder.path("out.jsonl")];
    const lines = fill(path, MB, "POST");
    const queue = ["--queue", server.url, "--chunk-lines", "256", "--quiet"];
    const peak = await peakOf(0, "run", path, out, "-m", model, ...queue);
    process.stderr.write(`${lines} lines, ${MB} MB: the coordinator had ${peak} MB at most\n`);
    expect(linesOf(out)).toBe(lines);
    expect(peak).toBeLessThan(MOST_RSS_MB);
    worker.kill("SIGKILL");
    await server.stop();
    folder.remove();
  });
});

test(`${REFUSED_MB} MB of lines that are refused, without a queue`, async () => {
  const folder = temporaryFolder();
  const [path, out] = [folder.path("in.jsonl"), folder.path("out.jsonl")];
  const lines = fill(path, REFUSED_MB, "GET");
  const peak = await peakOf(FAILED, "run", path, out, "-m", await modelFile(folder), "--quiet");
  process.stderr.write(`${lines} lines, ${REFUSED_MB} MB: the program had ${peak} MB at most\n`);
  expect(linesOf(out)).toBe(lines);
  expect(peak).toBeLessThan(MOST_ALONE_MB);
  folder.remove();
});

const NEWLINE = 10;
const FAILED = 1; // as every line did

function linesOf(path: string): number {
  return readFileSync(path).reduce((n, byte) => n + (byte === NEWLINE ? 1 : 0), 0);
}
