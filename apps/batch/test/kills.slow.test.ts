// Workers, the coordinator and Redis are killed again and again, as far as the work has come; workers are frozen, and Redis forgets
// everything. The output is that of an undisturbed run. LL_SCALE=full takes the counts of the specification.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finish, modelFile, type Program, requests, resultsIn, start, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, startRedis } from "./support/redis.ts";

const IS_FULL = process.env["LL_SCALE"] === "full";
const [LINES, KILLS] = IS_FULL ? [1000, 50] : [160, 12];
const CHUNK_LINES = 4;
const N_WORKERS = 3;
const FROZEN_MS = 4000; // longer than a worker may be silent
const WORKER = join(import.meta.dirname, "support/logging-worker.ts");

/** What happens when so much of the work is done: mostly kills, of each in turn. */
function plan(): readonly string[] {
  const victims = ["worker", "coordinator", "worker", "redis"];
  const events = Array.from({ length: KILLS }, (_, i) => victims[i % victims.length] as string);
  const every = Math.floor(KILLS / 3);
  return events.flatMap((victim, i) => (i % every === every - 1 ? [victim, "freeze"] : [victim])).concat("flush");
}

describeWithRedis("killed and frozen processes", () => {
  test(`${LINES} lines, ${KILLS} kills`, async () => {
    const folder = temporaryFolder();
    const model = await modelFile(folder);
    const input = folder.write("in.jsonl", requests(LINES, 24));
    const args = (output: string): string[] => [
      ...["run", input, folder.path(output), "-m", model, "-c", "256", "--chunk-lines", String(CHUNK_LINES)],
    ];
    expect((await finish(args("golden"))).code).toBe(0);
    const server = await startRedis(folder, "--appendfsync", "everysec");
    const log = folder.write("begun.log", "");
    const kept = folder.path("out.ll-batch");
    const gate = folder.write("gate", "0"); // results after which workers wait for what happens next
    const begin = (name: string): Program => start([model, server.url, name, log, kept, gate], {}, WORKER);
    const coordinate = (): Program => start([...args("out"), "--check-every", "0"], { LL_QUEUE: server.url });
    const workers = Array.from({ length: N_WORKERS }, (_, i) => begin(`w${i}`));
    let coordinator = coordinate();
    const events = plan();
    const nChunks = Math.ceil(LINES / CHUNK_LINES);
    let n = 0;
    for (const [i, event] of events.entries()) {
      const due = Math.floor(((i + 1) * (nChunks - 2 * N_WORKERS)) / (events.length + 1));
      folder.write("gate", String(due));
      await expect.poll(() => resultsIn(kept), { interval: 10, timeout: 120_000 }).toBeGreaterThanOrEqual(due);
      const victim = n++ % N_WORKERS;
      const worker = workers[victim] as Program;
      if (event === "redis") await server.crash();
      if (event === "flush") await server.client.flushall();
      if (event === "freeze") {
        worker.child.kill("SIGSTOP");
        setTimeout(() => worker.child.kill("SIGCONT"), FROZEN_MS);
      }
      if (event === "worker") {
        worker.child.kill("SIGKILL");
        expect(await worker.ended).toBe("SIGKILL");
        workers[victim] = begin(`w${victim}-${n}`);
      }
      if (event === "coordinator") {
        coordinator.child.kill("SIGKILL");
        expect(await coordinator.ended).toBe("SIGKILL");
        coordinator = coordinate();
      }
    }
    folder.write("gate", "Infinity");
    expect(await coordinator.ended, coordinator.err()).toBe(0);
    expect(readFileSync(folder.path("out"), "utf8")).toBe(readFileSync(folder.path("golden"), "utf8"));
    expect(readdirSync(folder.path("")).filter((name) => name.startsWith("out"))).toEqual(["out"]);
    const begun = readFileSync(log, "utf8").trimEnd().split("\n").length;
    process.stderr.write(`${LINES} lines, ${KILLS} kills: ${begun - LINES} lines begun again\n`);
    // each kill costs a worker what it was at: two chunks at most; and the flush all three
    const killed = events.filter((event) => event !== "coordinator").length + N_WORKERS;
    expect(begun - LINES).toBeLessThanOrEqual(killed * 2 * CHUNK_LINES);
    if (IS_FULL) expect(begun - LINES).toBeLessThanOrEqual(LINES / 10);
    for (const { child } of workers) child.kill("SIGKILL");
    await server.stop();
    folder.remove();
  });

  test("a job whose worker dies is another's at the first look behind the end of its lock", async () => {
    const folder = temporaryFolder();
    const model = await modelFile(folder);
    const input = folder.write("in.jsonl", requests(CHUNK_LINES, 200));
    const run = ["run", input, folder.path("out"), "-m", model, "-c", "256", "--chunk-lines", String(CHUNK_LINES)];
    const server = await startRedis(folder);
    const log = folder.write("begun.log", "");
    const begun = (): readonly string[] => readFileSync(log, "utf8").split("\n");
    const gates = [folder.write("open", "0"), folder.write("closed", "-1")];
    const workers = gates.map((gate, i) =>
      start([model, server.url, `w${i}`, log, folder.path("out.ll-batch"), gate], {}, WORKER),
    );
    const coordinator = start([...run, "--check-every", "0"], { LL_QUEUE: server.url });
    const [dying, heir] = workers as [Program, Program];
    await expect.poll(begun, { interval: 1, timeout: 120_000 }).toContain("w0");
    dying.child.kill("SIGSTOP"); // it cannot end before it is dead
    coordinator.child.kill("SIGSTOP"); // it is not to take the job away before it was looked at
    dying.child.kill("SIGKILL");
    const killedMs = performance.now();
    folder.write("closed", "0");
    await expect.poll(begun, { interval: 1, timeout: 120_000 }).toContain("w1");
    const ms = performance.now() - killedMs;
    process.stderr.write(`the job of a dead worker began again after ${ms.toFixed(0)} ms; lock and look are 3000\n`);
    const [job = ""] = (await server.client.keys("bull:*")).filter((key) => /:[0-9a-f]{64}$/.test(key));
    expect(await server.client.hget(job, "stc")).toBe("1"); // lost once
    coordinator.child.kill("SIGCONT");
    expect(await coordinator.ended, coordinator.err()).toBe(0);
    heir.child.kill("SIGKILL");
    expect(existsSync(folder.path("out"))).toBe(true);
    await server.stop();
    folder.remove();
  });
});
