// A real disk that is too small, that fills up while a file is written, or that cannot be written.

import { closeSync, openSync, readdirSync, statfsSync, statSync, writeSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ended, runProcess, start, temporaryDirectory } from "../programs.ts";
import { JOBS, type JobName, type OutputJob, partFiles, prepareJob } from "./output-jobs.ts";
import { CAN_MOUNT, makeReadOnly, NEEDS_MOUNT, smallDisk } from "./small-disk.ts";

/** More than any of the outputs has. */
const DISK_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 4096;

interface Setting {
  readonly job: OutputJob;
  readonly disk: string;
  /** Size of the output. */
  readonly need: number;
  /** The target before; a session that is there would be read first, so none is there. */
  readonly old: string | undefined;
}

/** A disk with an old target, and the command that writes to it. */
async function prepare(name: JobName): Promise<Setting> {
  const inputs = join(await temporaryDirectory(), "in");
  const elsewhere = await temporaryDirectory();
  const trial = await prepareJob(name, inputs, elsewhere);
  expect((await runProcess(trial.argv)).code).toBe(0);
  const need = statSync(trial.target).size;
  await rm(elsewhere, { recursive: true });

  const disk = smallDisk(DISK_BYTES);
  const job = await prepareJob(name, inputs, disk);
  const old = name.startsWith("ll-main") ? undefined : "old";
  if (old !== undefined) await writeFile(job.target, old);
  return { job, disk, need, old };
}

function freeBytes(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}

/** Fills the disk until `free` bytes are left, to the page. */
function fill(disk: string, free: number): void {
  const file = openSync(join(disk, "filler"), "a");
  const chunk = new Uint8Array(1 << 20);
  try {
    for (;;) {
      const length = Math.min(chunk.length, freeBytes(disk) - free);
      if (length < PAGE_BYTES) return;
      writeSync(file, chunk, 0, length - (length % PAGE_BYTES));
    }
  } finally {
    closeSync(file);
  }
}

/** The target is what it was, and nothing but the filler lies beside it. */
async function expectUntouched({ job, disk, old }: Setting): Promise<void> {
  expect(readdirSync(disk).sort()).toEqual(old === undefined ? ["filler"] : ["filler", "out.bin"]);
  if (old !== undefined) expect(await readFile(job.target, "utf8")).toBe(old);
}

describe.skipIf(!CAN_MOUNT)(`a disk that is too full from the start${NEEDS_MOUNT}`, () => {
  describe.each(JOBS)("%s", (name) => {
    test.each([0, 0.01, 0.5, 0.9999])("room for %f of the output", async (share) => {
      const setting = await prepare(name);
      fill(setting.disk, Math.floor((share * setting.need) / PAGE_BYTES) * PAGE_BYTES);
      const free = freeBytes(setting.disk);
      expect(free).toBeLessThan(setting.need);
      const { code, stderr } = await runProcess(setting.job.argv);
      expect(code, stderr).toBe(4);
      expect(stderr).toContain(
        `not enough space for ${setting.job.target}: ${setting.need} bytes needed, ${free} free`,
      );
      await expectUntouched(setting);
    });
  });
});

describe.skipIf(!CAN_MOUNT)(`a disk that fills up while the file is written${NEEDS_MOUNT}`, () => {
  // the program is stopped, the disk filled, the program let go on; a session is written too fast to be caught half-way
  describe.each(["ll-quantize", "ll-convert"] as const)("%s", (name) => {
    test.each([0, 0.01, 0.5, 0.9])("when %f of the output is there", async (share) => {
      const setting = await prepare(name);
      const { job, disk, need } = setting;
      const child = start(job.argv);
      const outcome = ended(child);
      while (!partFiles(job.target).some(({ bytes }) => bytes >= share * need)) {
        if (child.exitCode !== null) throw new Error("the program ended before it could be stopped");
        await setTimeout(1);
      }
      child.kill("SIGSTOP");
      await setTimeout(20); // a write that has begun is finished
      const written = partFiles(job.target)[0]?.bytes ?? 0;
      expect(written).toBeLessThan(need);
      fill(disk, 0);
      child.kill("SIGCONT");
      const { code, stderr } = await outcome;
      expect(code, stderr).toBe(4);
      const [, after] = /: No space left on device \(after (\d+) of \d+ bytes\)/.exec(stderr) ?? [];
      expect(stderr).toContain(` of ${need} bytes)`);
      expect(Number(after)).toBeGreaterThanOrEqual(share * need);
      await expectUntouched(setting);
    });
  });
});

describe.skipIf(!CAN_MOUNT)(`a disk that is read-only${NEEDS_MOUNT}`, () => {
  test.each(JOBS)("%s", async (name) => {
    const setting = await prepare(name);
    await writeFile(join(setting.disk, "filler"), "");
    makeReadOnly(setting.disk);
    const { code, stderr } = await runProcess(setting.job.argv);
    expect(code, stderr).toBe(4);
    expect(stderr).toContain(`cannot write ${setting.job.target}: Read-only file system`);
    await expectUntouched(setting);
  });
});

test("a folder where the file should be is left alone", async () => {
  const directory = await temporaryDirectory();
  for (const name of JOBS) {
    const job = await prepareJob(name, join(directory, "in"), directory);
    await mkdir(job.target, { recursive: true });
    const { code, stderr } = await runProcess(job.argv);
    expect(code, stderr).toBe(4);
    expect(readdirSync(job.target)).toEqual([]);
    expect(partFiles(job.target)).toEqual([]);
  }
});
