// Runs and workers over a real Redis, in one process. What happens when processes are killed: kills.slow.test.ts.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Chunk, JobRunner, Product } from "../src/jobs/job-kind.ts";
import { openResults } from "../src/jobs/results.ts";
import { linesOfModel } from "../src/lines/runner.ts";
import { type Contract, contractOf, openModel } from "../src/model/open.ts";
import { defaultModelParams } from "../src/model/options.ts";
import { type CoordinateOptions, coordinate } from "../src/queue/coordinator.ts";
import { lateKey, packed, queueName } from "../src/queue/job.ts";
import { openRedis } from "../src/queue/redis.ts";
import { createRoster } from "../src/queue/roster.ts";
import { type QueueWorker, startWorker, type WorkerOptions } from "../src/queue/worker.ts";
import { type Folder, modelFile, quietIo, requests, runHere, temporaryFolder } from "./support/programs.ts";
import { describeWithRedis, type RedisServer, startRedis } from "./support/redis.ts";

function chunkOf(i: number, units = 2): Chunk {
  const name = `${String(i).padStart(4, "0")}-${units}`;
  const split =
    units === 1 ? undefined : () => [chunkOf(i, units >> 1), chunkOf(i + (units >> 1), units - (units >> 1))];
  return { id: `mock-${name}`, name, label: `unit ${i}`, payload: name, units, bytes: 1, isDone: false, split };
}

async function* chunksOf(n: number): AsyncGenerator<Chunk> {
  for (let i = 0; i < n; i++) yield chunkOf(i * 2);
}

describeWithRedis("a queue", () => {
  let folder: Folder;
  let server: RedisServer;
  let model: string;
  let contract: Contract;
  const workers: QueueWorker[] = [];
  let n = 0;

  beforeAll(async () => {
    folder = temporaryFolder();
    server = await startRedis(folder);
    model = await modelFile(folder);
    contract = await contractOf({ ...defaultModelParams(), model, contextTokens: 256 }, quietIo, true);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.drain(0)));
    await server.stop();
    folder.remove();
  });

  const runner = (run: JobRunner["run"]): JobRunner => ({
    ...{ facts: { kernels: "none" }, run, ready: async () => undefined, close: async () => undefined },
  });

  function work(queue: string, name: string, jobs: JobRunner, more: Partial<WorkerOptions> = {}): QueueWorker {
    const worker = startWorker({
      ...{ redis: server.connect(), queue, name, runner: oneAtATime(jobs), terms: contract.terms },
      ...{ lockMs: 2000, stalledMs: 1000, onChunk: () => undefined, say: () => undefined, ...more },
    });
    worker.ended.catch(() => undefined);
    workers.push(worker);
    return worker;
  }

  /** So that each of two gets something. */
  function oneAtATime(jobs: JobRunner): JobRunner {
    let last: Promise<unknown> = Promise.resolve();
    return {
      ...jobs,
      ready: async () => void (await last),
      run(payload, signal) {
        const one = jobs.run(payload, signal);
        last = one.catch(() => undefined);
        return one;
      },
    };
  }

  /** Hands out `count` chunks, and returns what came of them. */
  async function hand(queue: string, count: number, more: Partial<CoordinateOptions> = {}): Promise<Product[]> {
    const results = await openResults(folder.path(`results-${n++}`), { queue });
    try {
      await coordinate(chunksOf(count), results, {
        ...{ redis: server.connect(), queue, checkEvery: 0, signal: new AbortController().signal },
        ...{ onChunk: () => undefined, onWorkers: () => undefined, ...more },
      });
      const all: Product[] = [];
      for await (const { text, failed } of results.all()) all.push({ text, failed });
      return all;
    } finally {
      await results.close();
    }
  }

  const echo = runner(async (payload) => ({ text: `${payload}\n`, failed: 0 }));
  const expected = (count: number): Product[] =>
    Array.from({ length: count }, (_, i) => ({ text: `${chunkOf(i * 2).payload}\n`, failed: 0 }));

  test("two workers give the output of one process, and nothing stays behind", async () => {
    const input = folder.write("in.jsonl", requests(48));
    const args = (output: string): string[] => ["run", input, folder.path(output), "-m", model, "-c", "256"];
    expect((await runHere(args("alone"))).code).toBe(0);
    const queue = queueName("lines", contract.fingerprint);
    const did = new Map<string, number>();
    for (const name of ["one", "two"]) {
      const jobs = linesOfModel(await openModel(contract, { ...defaultModelParams(), parallel: 2 }));
      work(queue, name, jobs, { onChunk: (_label, units) => did.set(name, (did.get(name) ?? 0) + units) });
    }
    const env = { LL_QUEUE: server.url };
    const { code, err } = await runHere([...args("queued"), "--chunk-lines", "4", "--check-every", "0"], env);
    expect(err).toMatch(/one works: .*kernels/);
    expect(code).toBe(0);
    expect(readFileSync(folder.path("queued"), "utf8")).toBe(readFileSync(folder.path("alone"), "utf8"));
    expect([...did.keys()].sort()).toEqual(["one", "two"]);
    expect([...did.values()].reduce((sum, units) => sum + units)).toBe(48);
    expect(await server.client.keys("bull:*:lines-*")).toEqual([]);
    const keys = (await server.client.keys(`bull:${queue}:*`)).map((key) => key.split(":").at(-1) ?? "");
    const small = ["events", "id", "marker", "meta", "stalled-check"];
    expect(keys.filter((key) => !small.includes(key))).toEqual([]);
    expect(await server.client.xlen(`bull:${queue}:events`)).toBe(0);
  });

  test("a worker that computes wrongly is found, and both are named: exit code 7", async () => {
    const input = folder.write("in7.jsonl", requests(24));
    const params = { ...defaultModelParams(), model, contextTokens: 256, date: "2026-01-02" };
    const other = await contractOf(params, quietIo, true);
    const queue = queueName("lines", other.fingerprint);
    const good = linesOfModel(await openModel(other, params));
    const wrong: JobRunner["run"] = async (payload, signal) => {
      const { text, failed } = await good.run(payload, signal);
      return { text: text.replace(/"text":"(.)/, '"text":"$1?'), failed };
    };
    work(queue, "good", good);
    work(queue, "wrong", { ...good, run: wrong });
    const args = ["run", input, folder.path("out7"), "-m", model, "-c", "256", "--date", "2026-01-02"];
    const { code, err } = await runHere([...args, "--queue", server.url, "--chunk-lines", "2", "--check-every", "1"]);
    expect(err).toMatch(/(good and wrong|wrong and good) disagree about lines? \d+/);
    expect(code).toBe(7);
  });

  test("forgets everything in the middle, and nothing is missing", async () => {
    work(
      "flushed",
      "flushed",
      runner(async (payload) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        return { text: `${payload}\n`, failed: 0 };
      }),
    );
    let done = 0;
    const onChunk = (): void => {
      if (++done % 15 === 0) void server.client.flushall();
    };
    expect(await hand("flushed", 60, { onChunk })).toEqual(expected(60));
    expect(done).toBe(60);
  });

  test("is not asked for each chunk as long as nothing happens", async () => {
    const calls = async (command: string): Promise<number> => {
      const stats = await server.client.info("commandstats");
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    };
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    work(
      "asked",
      "asked",
      runner(async (payload) => {
        await gate;
        return { text: `${payload}\n`, failed: 0 };
      }),
    );
    const products = hand("asked", 16);
    const looks = (): Promise<number> => calls("lrange"); // for late results
    const first = await looks();
    await expect.poll(looks, { timeout: 60_000 }).toBeGreaterThan(first + 5); // all are handed out
    const before = [await looks(), await calls("evalsha")] as const;
    await expect.poll(looks, { timeout: 60_000 }).toBeGreaterThan(before[0] + 10);
    const scripts = (await calls("evalsha")) - before[1];
    expect(scripts / ((await looks()) - before[0])).toBeLessThan(4);
    go();
    expect(await products).toEqual(expected(16));
  });

  test("an error that may pass is tried again, another one is not", async () => {
    let tries = 0;
    work(
      "passing",
      "passing",
      runner(async (payload) => {
        if (tries++ === 0) throw Object.assign(new Error("the disk is full"), { code: "E_IO" });
        return { text: `${payload}\n`, failed: 0 };
      }),
    );
    expect(await hand("passing", 3)).toEqual(expected(3));
    expect(tries).toBe(4);
    let others = 0;
    work(
      "broken",
      "broken",
      runner(async () => {
        others++;
        throw new TypeError("no such thing");
      }),
    );
    await expect(hand("broken", 1)).rejects.toThrow(/unit 0: broken: no such thing/);
    expect(others).toBe(1);
  });

  test("a worker whose engine is dead ends, and another takes over", async () => {
    const dead = work(
      "engines",
      "dead",
      runner(async () => {
        throw Object.assign(new Error("a worker died"), { code: "E_WORKER" });
      }),
    );
    const products = hand("engines", 4);
    await expect(dead.ended).rejects.toThrow("a worker died");
    work("engines", "alive", echo);
    expect(await products).toEqual(expected(4));
  });

  test("a result that is too large is worked out in parts", async () => {
    const noise = randomBytes(700_000).toString("base64");
    work(
      "large",
      "large",
      runner(async (payload) => {
        const units = Number(payload.split("-")[1]);
        return { text: `${noise.repeat(units > 1 ? 2 : 1)} ${payload}\n`, failed: 0 };
      }),
    );
    const products = await hand("large", 1);
    expect(products.map(({ text }) => text.slice(-7))).toEqual(
      ["0000-1\n", "0001-1\n"].map((end) => ` ${end}`.slice(-7)),
    );
  });

  test("what comes late is compared", async () => {
    work("late", "first", echo);
    const late = async (text: string): Promise<number> => {
      const result = { id: "mock-0000-2", worker: "second", failed: 0, ms: 1, text: await packed(text) };
      return server.client.lpush(lateKey("late"), JSON.stringify(result));
    };
    let done = 0;
    const onChunk = (): void => {
      if (++done === 1) void late("0000-2\n");
    };
    expect(await hand("late", 40, { onChunk })).toEqual(expected(40));
    await late("0000-3\n");
    await expect(hand("late", 40)).rejects.toMatchObject({ workers: ["first", "second"] });
  });

  test("what comes late of a chunk that has no result yet is its result", async () => {
    const products = hand("forgotten", 3);
    for (const { id, payload } of [0, 2, 4].map((i) => chunkOf(i))) {
      const text = await packed(`${payload}\n`);
      const result = { id, worker: "second", failed: 0, ms: 1, text };
      await server.client.lpush(lateKey("forgotten"), JSON.stringify(result));
    }
    expect(await products).toEqual(expected(3)); // nobody works
    expect(await server.client.keys("bull:forgotten:mock-*")).toEqual([]);
  });

  test("a worker that is told to end gives back what it cannot finish", async () => {
    let begun = 0;
    const slow = work(
      "drained",
      "slow",
      runner(
        (_payload, signal) =>
          new Promise((_, reject) => {
            begun++;
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
      ),
    );
    const products = hand("drained", 3);
    await expect.poll(() => begun, { timeout: 60_000 }).toBe(1);
    expect(await slow.drain(20)).toBe(false);
    await slow.ended;
    work("drained", "fast", echo);
    expect(await products).toEqual(expected(3));
  });

  test("its password is in no message", async () => {
    await server.client.config("SET", "requirepass", "right");
    const url = server.url.replace("redis://", "redis://:secret-word@");
    await expect(openRedis(url, () => undefined)).rejects.toThrow(
      /the queue at 127\.0\.0\.1:\d+ cannot be used: WRONGPASS/,
    );
    const args = ["run", folder.path("in.jsonl"), folder.path("x"), "-m", model];
    const refused = await runHere(args, { LL_QUEUE: url });
    expect(refused.code).toBe(4);
    const shown = await runHere([...args, "--queue", url, "--print-config"]);
    expect(shown.out).toMatch(/queue +\(not shown\) +flag/);
    const bad = await runHere([...args, "--queue", "http://secret-word@example.org"]);
    expect(bad.code).toBe(2);
    for (const { out, err } of [refused, shown, bad]) expect(out + err).not.toContain("secret-word");
    await server.client.config("SET", "requirepass", "");
  });
});

test("who comes and goes is said once, and why others do not count", () => {
  let now = 0;
  const said: string[] = [];
  const roster = createRoster(
    "q",
    { context: 256 },
    (text) => said.push(text),
    () => now,
  );
  const worker = { name: "a", queue: "q", terms: { context: 256 }, facts: { threads: 2 }, rate: 1.5 };
  roster.seen([]);
  now = 11_000;
  roster.seen([{ ...worker, name: "b", queue: "r", terms: { context: 128 } }]);
  roster.seen([worker]);
  roster.seen([worker]);
  expect(roster.note).toBe(", 1 worker");
  roster.seen([]);
  expect(said).toEqual([
    "nobody works for this model: start `ll-batch work` with the same options of the model",
    "b does not work for this run: context is 128 there, and 256 here",
    "a works: threads 2, 1.5 lines/s so far",
    "a is gone",
  ]);
});
