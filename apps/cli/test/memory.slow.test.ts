// A model of 2 GB, whose largest tensor has 250 MiB, goes through either program in less memory than that tensor; with many
// threads in a little more.

import { existsSync, readFileSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeSparseLlama } from "./models.ts";
import { ended, start, temporaryDirectory } from "./programs.ts";

const MIB = 1024 * 1024;

/** Runs a program and returns the most memory it had resident, in MiB. */
async function peakMemory(argv: readonly string[]): Promise<number> {
  const child = start(argv);
  let peak = 0;
  const timer = setInterval(() => {
    const status = existsSync(`/proc/${child.pid}/status`) ? readFileSync(`/proc/${child.pid}/status`, "utf8") : "";
    const kib = /VmHWM:\s*(\d+) kB/.exec(status)?.[1];
    if (kib !== undefined) peak = Number(kib) / 1024;
  }, 50);
  const { code, stderr } = await ended(child);
  clearInterval(timer);
  expect(code, stderr).toBe(0);
  expect(peak).toBeGreaterThan(0);
  return peak;
}

describe.skipIf(!existsSync("/proc/self/status"))("2 GB", () => {
  test.each([
    ["ll-quantize", 250, "with two threads", (input: string, out: string) => [input, out, "q4_0", "2"]],
    [
      "ll-quantize",
      400,
      "with as many threads as it takes",
      (input: string, out: string) => [input, out, "q6_K", "99"],
    ],
    ["ll-convert", 250, "", (input: string, out: string) => [input, "--outfile", out, "--outtype", "f16"]],
  ] as const)("%s stays under %d MiB %s", async (bin, limit, _how, options) => {
    const directory = await temporaryDirectory();
    const input = await writeSparseLlama(join(directory, "in.bin"), 4);
    expect((await stat(input)).size).toBeGreaterThan(2000 * MIB);
    const out = join(directory, "out.bin");
    expect(await peakMemory([bin, ...options(input, out)])).toBeLessThan(limit);
    await rm(out);
  });
});
