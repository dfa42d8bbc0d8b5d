// Outputs that are an input under another name, and targets that may not be written.

import { readdirSync } from "node:fs";
import { chmod, link, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { sha256File } from "../models.ts";
import { runProcess, temporaryDirectory, UNPRIVILEGED } from "../programs.ts";
import { JOBS, type JobName, partFiles, prepareJob } from "./output-jobs.ts";

/** Ways to name a file that exists, in the folder `outputs`. */
const NAMES = {
  "its own path": async (input: string) => input,
  "a longer path": async (input: string) =>
    join(input, "..", ".", "in.bin").replace("in.bin", input.split("/").at(-1)!),
  "a relative path": async (input: string) => relative(process.cwd(), input),
  "a symbolic link": async (input: string, outputs: string) => {
    await symlink(input, join(outputs, "link"));
    return join(outputs, "link");
  },
  "a hard link": async (input: string, outputs: string) => {
    await link(input, join(outputs, "link"));
    return join(outputs, "link");
  },
} as const;

describe.each(JOBS)("CL04 %s: the output is the input", (name: JobName) => {
  test.each(Object.entries(NAMES))("by %s", async (_way, nameOf) => {
    const directory = await temporaryDirectory();
    const outputs = join(directory, "out");
    await mkdir(outputs);
    const job = await prepareJob(name, join(directory, "in"), outputs);
    const before = await sha256File(job.input);
    const path = await nameOf(job.input, outputs);
    const argv = job.argv.map((argument) => (argument === job.target ? path : argument));
    const { code, stderr } = await runProcess(argv);
    // a model given as the session is read first, and is none: a bad file
    expect(code, stderr).toBe(name.startsWith("ll-main") ? 3 : 1);
    expect(await sha256File(job.input)).toBe(before);
    expect([...partFiles(job.input), ...partFiles(path)]).toEqual([]);
  });
});

describe.each(["ll-quantize", "ll-convert"] as const)("%s", (name) => {
  test("replaces a file that may not be written, as rename does, and keeps its permissions", async () => {
    const directory = await temporaryDirectory();
    const job = await prepareJob(name, join(directory, "in"), directory);
    await writeFile(job.target, "old");
    await chmod(job.target, 0o444);
    const { code, stderr } = await runProcess(job.argv);
    expect(code, stderr).toBe(0);
    expect((await stat(job.target)).mode & 0o777).toBe(0o444);
    expect((await stat(job.target)).size).toBeGreaterThan(1_000_000);
    expect(partFiles(job.target)).toEqual([]);
  });

  test("leaves a folder that may not be written as it is", async () => {
    const directory = await temporaryDirectory();
    const outputs = join(directory, "out");
    await mkdir(outputs);
    const job = await prepareJob(name, join(directory, "in"), outputs);
    await writeFile(job.target, "old");
    await chmod(outputs, 0o555);
    const { code, stderr } = await runProcess(job.argv, { shellPrefix: UNPRIVILEGED });
    await chmod(outputs, 0o755);
    expect(code, stderr).toBe(4);
    expect(readdirSync(outputs)).toEqual(["out.bin"]);
    expect(await readFile(job.target, "utf8")).toBe("old");
  });
});
