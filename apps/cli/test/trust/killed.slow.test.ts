// SIGKILL at random points of the programs that write: the target is the old file or the complete new one, and the next run
// removes what the killed one left. LL_KILLS=1000 for the long form. A killed process is no power failure: what was
// written survives in the page cache.

import type { ChildProcess } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { createRandom } from "../../../../tools/fuzz/random.ts";
import { sha256File } from "../models.ts";
import { ended, start, temporaryDirectory } from "../programs.ts";
import { JOBS, type OutputJob, partFiles, prepareJob } from "./output-jobs.ts";

const KILLS = Number(process.env["LL_KILLS"] ?? 50);
/** Kills between two complete runs, which must find nothing left over. */
const BETWEEN_RUNS = 10;
/** Part of the kills that must hit a file being written; aimed at: half of them and more. */
const MIN_HITS = 0.3;

const OLD = "old";

/** Waits until `child` has begun its file; false if it ended before. */
async function begun(child: ChildProcess, job: OutputJob): Promise<boolean> {
  while (partFiles(job.target, child.pid).length === 0) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    await setTimeout(1);
  }
  return true;
}

/** Milliseconds of an undisturbed run: from the beginning of its file until it has its name, and from start to end. */
async function measure(job: OutputJob): Promise<{ writing: number; duration: number }> {
  const begin = performance.now();
  const child = start(job.argv);
  const outcome = ended(child);
  await begun(child, job);
  const begunAt = performance.now();
  while (partFiles(job.target, child.pid).length > 0) await setTimeout(1);
  const writing = performance.now() - begunAt;
  expect((await outcome).code).toBe(0);
  return { writing, duration: performance.now() - begin };
}

test.for(JOBS)("%s", { timeout: 60_000 + 6000 * KILLS }, async (name, { annotate }) => {
  const directory = await temporaryDirectory();
  const job = await prepareJob(name, join(directory, "in"), directory);
  // a session that is there would be read first, and an old text is none: no file is the old state there
  const isSession = name.startsWith("ll-main");
  const restore = async (): Promise<void> => {
    if (isSession) await rm(job.target, { force: true });
    else await writeFile(job.target, OLD);
  };

  await restore();
  await measure(job); // the first run fills caches
  const complete = await sha256File(job.target);
  await restore();
  const { writing, duration } = await measure(job);
  // the machine may be busier or idler later: what is aimed at follows what is hit
  let window = writing;
  expect(await sha256File(job.target), "runs differ").toBe(complete);
  await restore();
  const old = isSession ? "absent" : await sha256File(job.target);

  const random = createRandom(KILLS);
  const outcomes = { old: 0, new: 0, hits: 0, orphans: 0, completeRuns: 0 };
  for (let i = 1; i <= KILLS; i++) {
    const child = start(job.argv);
    const outcome = ended(child);
    const share = random.below(1000) / 1000;
    if (i % 3 === 0) {
      await setTimeout(share * duration); // anywhere
    } else if (await begun(child, job)) {
      await setTimeout(share * window); // while the file is written
    }
    child.kill("SIGKILL");
    await outcome;

    const state = await sha256File(job.target).catch(() => "absent");
    expect([old, complete], `kill ${i}: a torn file`).toContain(state);
    outcomes[state === complete ? "new" : "old"]++;
    const isHit = partFiles(job.target, child.pid).length > 0;
    if (isHit) outcomes.hits++;
    if (i % 3 !== 0) window *= isHit ? 1.1 : 0.7;
    if (state === complete) await restore();

    if (i % BETWEEN_RUNS === 0) {
      outcomes.orphans += partFiles(job.target).length;
      const next = await ended(start(job.argv));
      expect(next.code, next.stderr).toBe(0);
      expect(partFiles(job.target), "left over after a complete run").toEqual([]);
      expect(await sha256File(job.target)).toBe(complete);
      outcomes.completeRuns++;
      await restore();
    }
  }
  await annotate(`${name}: ${JSON.stringify(outcomes)}`);
  expect(outcomes.hits).toBeGreaterThanOrEqual(MIN_HITS * KILLS);
});
