import { describe, expect, test } from "vitest";
import {
  answerRequests,
  createWorkerPool,
  type ParentPort,
  type WorkerAnswer,
  type WorkerPool,
} from "../src/workers.ts";

const NAME = "@ll/test 1.0.0";

interface Rig {
  readonly pool: WorkerPool<string, string>;
  readonly progress: number[];
  readonly ends: string[];
  readonly isAlive: boolean[];
  die(worker: number): void;
}

/** A pool of workers that live in this thread; a message takes a turn of the event loop. */
async function startRig(answer: (request: string, progress: (n: number) => void) => WorkerAnswer): Promise<Rig> {
  const [progress, ends, isAlive, deaths]: [number[], string[], boolean[], ((reason: string) => void)[]] = [
    [],
    [],
    [],
    [],
  ];
  const pool = await createWorkerPool<string, string>({
    count: 2,
    name: NAME,
    url: new URL("file:///worker.js"),
    spawn({ message, death }) {
      const worker = isAlive.push(true) - 1;
      deaths.push(death);
      let listener = (_: unknown): void => {};
      const port: ParentPort = {
        post: (value) => void setImmediate(message, value),
        onMessage: (onMessage) => {
          listener = onMessage;
        },
      };
      answerRequests<string>(port, answer, (request) => request === "together");
      port.post({ ready: NAME });
      return {
        post: (value) => void setImmediate(() => listener(value)),
        keepAlive: (isNeeded) => {
          isAlive[worker] = isNeeded;
        },
        terminate: async () => void ends.push(`worker ${worker}`),
      };
    },
    onProgress(n) {
      if (n < 0) throw new RangeError("no progress");
      progress.push(n);
    },
    onEnd: () => ends.push("told"),
  });
  return { pool, progress, ends, isAlive, die: (worker) => deaths[worker]?.("exit code 1") };
}

function echo(request: string, progress: (n: number) => void): WorkerAnswer {
  if (request === "throw" || request === "together") throw new TypeError(`no ${request}`);
  if (request === "back") progress(-1);
  progress(request.length);
  return [`${request}!`];
}

describe("a pool of workers", () => {
  test("answers each worker's requests in order, and keeps the process alive only until then", async () => {
    const { pool, progress, isAlive } = await startRig(echo);
    expect(isAlive).toEqual([false, false]);
    const answers = ["a", "bb", "ccc"].map((request) => pool.ask(1, request));
    expect([pool.nPending(0), pool.nPending(1), ...isAlive]).toEqual([0, 3, false, true]);
    expect(await Promise.all(answers)).toEqual(["a!", "bb!", "ccc!"]);
    expect([pool.nPending(1), ...isAlive]).toEqual([0, false, false]);
    expect(progress).toEqual([1, 2, 3]);
  });

  test("a failure is that of its request alone", async () => {
    const { pool } = await startRig(echo);
    const results = await Promise.allSettled([pool.ask(0, "throw"), pool.ask(0, "a")]);
    expect(results).toMatchObject([{ reason: new TypeError("no throw") }, { value: "a!" }]);
    expect(pool.end).toBeUndefined();
  });

  test.each<[string, (rig: Rig) => unknown, string]>([
    ["a worker dies", ({ die }) => die(1), "worker 2 of 2 died: exit code 1"],
    [
      "what they do together fails",
      ({ pool }) => pool.ask(0, "together").catch(() => {}),
      "worker 1 of 2 died: TypeError: no together",
    ],
    ["whoever hears of progress throws", ({ pool }) => pool.ask(0, "back").catch(() => {}), "no progress"],
    ["it is told to", ({ pool }) => pool.endWith(new Error("enough")), "enough"],
  ])("ends if %s", async (_name, happen, message) => {
    const rig = await startRig(echo);
    const asked = rig.pool.ask(1, "a").catch((error) => error);
    const isFirst = rig.pool.end === undefined;
    await happen(rig);
    await asked;
    expect(isFirst).toBe(true);
    expect(rig.pool.end).toMatchObject({ message });
    expect(rig.ends).toEqual(["told", "worker 0", "worker 1"]);
    await expect(rig.pool.ask(0, "late")).rejects.toBe(rig.pool.end);
  });
});
