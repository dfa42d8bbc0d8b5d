// The coordinator's memory does not grow with its input: the program as it is built and run, many short lines, a model that answers with
// a word. By hand with 1 GB: LL_BATCH_MB=1024.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modelFile, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, startRedis } from "./support/redis.ts";

const MB = Number(process.env["LL_BATCH_MB"] ?? 24);
/** Of these, Node itself has 80. */
const MOST_RSS_MB = 200;
const BUILT = join(import.meta.dirname, "../bin/ll-batch.js");
const WORKER = join(import.meta.dirname, "support/echo-child.ts");

/** Has the program say at its end how much it had at most, in KiB. */
const TELL =
  "data:text/javascript,process.on('exit', () => process.stdout.write(String(process.resourceUsage().maxRSS)))";

/** Lines of some 200 bytes, as many as fill so many MB; returns their number. */
function fill(path: string): number {
  const file = openSync(path, "w");
  const text = "x".repeat(120);
  let [n, size] = [0, 0];
  while (size < MB * 1e6) {
    let piece = "";
    for (let i = 0; i < 1000; i++) {
      piece += `{"custom_id":"r${n++}","method":"POST","url":"/v1/completions","body":{"prompt":"${text}"}}\n`;
    }
    size += writeSync(file, piece);
  }
  closeSync(file);
  return n;
}

/** Runs the program without any option of Node that bounds memory; returns the most that it had, in MB. */
async function peakOf(...args: string[]): Promise<number> {
  const program = spawn(process.execPath, [`--import=${TELL}`, BUILT, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  program.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const code = await new Promise((resolve) => program.once("close", resolve));
  if (code !== 0) throw new Error(`ended with ${code}`);
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
    const lines = fill(path);
    const peak = await peakOf("run", path, out, "-m", model, "--queue", server.url, "--chunk-lines", "256", "--quiet");
    process.stderr.write(`${lines} lines, ${MB} MB: the coordinator had ${peak} MB at most\n`);
    expect(readFileSync(out).reduce((n, byte) => n + (byte === NEWLINE ? 1 : 0), 0)).toBe(lines);
    expect(peak).toBeLessThan(MOST_RSS_MB);
    worker.kill("SIGKILL");
    await server.stop();
    folder.remove();
  });
});

const NEWLINE = 10;
