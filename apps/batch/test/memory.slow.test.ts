// The coordinator's memory does not grow with its input: many short lines, a model that answers with nothing. By hand with 1 GB:
// LL_BATCH_MB=1024. V8 lets its heap grow before it collects: here the heap ends at 64 MiB, and the process with it if more were kept.

import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, startRedis } from "./support/redis.ts";

const MB = Number(process.env["LL_BATCH_MB"] ?? 24);
/** With Node itself, which has 60 MB, and what strips types from the sources. */
const MOST_RSS_MB = 250;
const HEAP = ["--max-semi-space-size=4", "--max-old-space-size=64"];
const CHILD = join(import.meta.dirname, "support/echo-child.ts");

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

interface Report {
  /** At most, in each half of the input. */
  readonly rssMb: readonly [number, number];
  readonly lines: number;
}

function child(...args: string[]) {
  const program = spawn(process.execPath, ["--conditions=@ll/source", "--no-warnings", ...HEAP, CHILD, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  program.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const report = new Promise<Report>((resolve, reject) => {
    program.on("close", (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`ended with ${code}`))));
  });
  return { program, report };
}

describeWithRedis("memory of a coordinator", () => {
  test(`${MB} MB of lines`, async () => {
    const folder = temporaryFolder();
    const server = await startRedis(folder);
    const worker = child("work", server.url);
    worker.report.catch(() => undefined); // it is ended
    const path = folder.path("in.jsonl");
    const lines = fill(path);
    const { rssMb, lines: got } = await child("run", server.url, path, folder.path("out")).report;
    process.stderr.write(
      `${lines} lines, ${MB} MB: the coordinator had ${rssMb.join(" and ")} MB at most in its halves\n`,
    );
    expect(got).toBe(lines);
    expect(Math.max(...rssMb)).toBeLessThan(MOST_RSS_MB);
    worker.program.kill("SIGKILL");
    await server.stop();
    folder.remove();
  });
});
