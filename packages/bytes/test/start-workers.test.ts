// Workers say that they run before they are given work; whatever keeps one from it is an error with the script's address.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isWorkerError, WorkerError } from "../src/index.ts";
import { startWorkers } from "../src/start-workers.ts";
import { type SpawnWorker, scriptUrl, type WorkerListeners, workerSpawner } from "../src/workers.ts";

const NAME = "@ll/example 1.2.3";
const URL_HERE = new URL("https://example.org/app/worker.js");
const NOTHING: WorkerListeners = { message() {}, death() {} };

/** Workers that do what `act` does with their listeners, and count how many of them are left. */
function pretended(act: (listeners: WorkerListeners, index: number) => void): {
  readonly spawn: SpawnWorker;
  readonly left: () => number;
} {
  let nStarted = 0;
  let nEnded = 0;
  return {
    left: () => nStarted - nEnded,
    spawn(listeners) {
      const index = nStarted++;
      queueMicrotask(() => act(listeners, index));
      return {
        post() {},
        keepAlive() {},
        async terminate() {
          nEnded += 1;
        },
      };
    },
  };
}

const start = (spawn: SpawnWorker, signal?: AbortSignal): Promise<unknown> =>
  startWorkers({ spawn, count: 2, name: NAME, url: URL_HERE, signal }, () => NOTHING);

describe("workers that cannot be started", () => {
  const REMEDY =
    'put the file @ll/example/worker of the same version there, or give its address as "workerUrl": see the README of @ll/example';

  test.each([
    ["die", (l: WorkerListeners) => l.death("no such file"), "no such file"],
    ["are another script", (l: WorkerListeners) => l.message("hello"), "it is another script"],
    [
      "are of another version",
      (l: WorkerListeners) => l.message({ ready: "@ll/example 1.2.2" }),
      "it is the worker of @ll/example 1.2.2",
    ],
  ])("because they %s", async (_, act, reason) => {
    const { spawn, left } = pretended((listeners, index) =>
      index === 0 ? listeners.message({ ready: NAME }) : act(listeners),
    );
    const error = await start(spawn).catch((cause: unknown) => cause);
    expect(isWorkerError(error)).toBe(true);
    expect(error).toMatchObject({ code: "E_WORKER", url: URL_HERE.href });
    expect((error as Error).message).toBe(`cannot start worker ${URL_HERE.href}: ${reason}; ${REMEDY}`);
    expect(left()).toBe(0);
  });

  test("because the signal is aborted meanwhile", async () => {
    const controller = new AbortController();
    const { spawn, left } = pretended(() => controller.abort(new Error("stop")));
    await expect(start(spawn, controller.signal)).rejects.toThrow("stop");
    expect(left()).toBe(0);
  });

  test("have an address that is cut if it is their script itself", async () => {
    const { spawn } = pretended((listeners) => listeners.death("no"));
    const url = new URL(`data:text/javascript,${"x".repeat(9999)}`);
    const error = await startWorkers({ spawn, count: 1, name: NAME, url }, () => NOTHING).catch((cause) => cause);
    expect(error.message.length).toBeLessThan(512);
  });

  describe("because they say nothing", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    test("for half a minute", async () => {
      const { spawn, left } = pretended((listeners, index) => index === 1 && listeners.message({ ready: NAME }));
      const failed = expect(start(spawn)).rejects.toThrow(/it has said nothing for half a minute/);
      await vi.advanceTimersByTimeAsync(29_000);
      expect(left()).toBe(2);
      await vi.advanceTimersByTimeAsync(2_000);
      await failed;
      expect(left()).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    });

    test("since one last began to run", async () => {
      const { spawn } = pretended((listeners, index) => {
        setTimeout(() => listeners.message({ ready: NAME }), 20_000 * (index + 1));
      });
      const started = start(spawn);
      await vi.advanceTimersByTimeAsync(41_000);
      expect(await started).toHaveLength(2);
    });
  });
});

test("eight start at a time, each next one when one runs; the first failure ends them all", async () => {
  for (const failing of [undefined, 13]) {
    const waiting: WorkerListeners[] = [];
    let most = 0;
    const { spawn, left } = pretended((listeners) => (most = Math.max(most, waiting.push(listeners))));
    const outcome = startWorkers({ spawn, count: 20, name: NAME, url: URL_HERE }, () => NOTHING).then(
      (handles) => handles.length,
      (error: Error) => error.message,
    );
    for (let index = 0; index < (failing ?? 20); index++) {
      await Promise.resolve(); // the pretended workers act a step later
      waiting.shift()?.message({ ready: NAME });
    }
    if (failing !== undefined) waiting.shift()?.death("no memory");
    expect(await outcome).toEqual(failing === undefined ? 20 : expect.stringContaining("no memory"));
    expect(most).toBe(8);
    expect(left()).toBe(failing === undefined ? 20 : 0);
  }
});

test("listeners hear what comes after the start", async () => {
  const heard: unknown[] = [];
  const all: WorkerListeners[] = [];
  const { spawn } = pretended((listeners) => {
    all.push(listeners);
    listeners.message({ ready: NAME });
  });
  await startWorkers({ spawn, count: 2, name: NAME, url: URL_HERE }, (index) => ({
    message: (message) => heard.push([index, message]),
    death: (reason) => heard.push([index, "dead", reason]),
  }));
  all[1]?.message("one");
  all[0]?.death("two");
  expect(heard).toEqual([
    [1, "one"],
    [0, "dead", "two"],
  ]);
});

describe("on Node", () => {
  test.each([
    ["a file that is not there", undefined, /Cannot find module/],
    ["a file that is no script", "<!doctype html>", /SyntaxError/],
    ["an import that is not there", 'import "no-such-package";', /Cannot find package/],
    ["a script that throws", 'throw new RangeError("oops")', /oops/],
    ["a script that ends", "export {}", /exit code 0/],
  ])("%s", async (_, text, reason) => {
    const folder = mkdtempSync(join(tmpdir(), "ll-worker-"));
    try {
      const path = join(folder, "worker.mjs");
      if (text !== undefined) writeFileSync(path, text);
      const url = pathToFileURL(path);
      const work = startWorkers({ spawn: workerSpawner(url), count: 2, name: NAME, url }, () => NOTHING);
      const error = await work.catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(WorkerError);
      expect(error).toMatchObject({ url: url.href });
      expect((error as Error).message).toContain(url.href);
      expect((error as Error).message).toMatch(reason);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the address of a script", () => {
  const beside = (): URL => URL_HERE;

  test("is beside the code, unless something else is told", () => {
    expect(scriptUrl(undefined, beside, "worker.js")).toBe(URL_HERE);
    expect(scriptUrl("https://example.org/w.js", beside, "worker.js").href).toBe("https://example.org/w.js");
    expect(scriptUrl(new URL("file:///w.js"), beside, "worker.js").href).toBe("file:///w.js");
  });

  test("may be a path on Node", () => {
    const path = join(tmpdir(), "ll a#b", "worker.js");
    expect(scriptUrl(path, beside, "worker.js").href).toBe(pathToFileURL(path).href);
    expect(scriptUrl("w.js", beside, "worker.js").href).toBe(pathToFileURL(resolve("w.js")).href);
  });

  test("is refused if it is none", () => {
    expect(() => scriptUrl("https://", beside, "worker.js")).toThrow(
      new TypeError('"workerUrl" expected the address of a script, got https://'),
    );
  });
});
