import { expect, test } from "vitest";
import { TurnQueue } from "../src/pace.ts";

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test("runs one thing at a time, in the order of the calls", async () => {
  const queue = new TurnQueue();
  const events: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    events.push(`${name} begins`);
    await later();
    events.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all(["a", "b", "c"].map((name) => queue.run(work(name))))).toEqual(["a", "b", "c"]);
  expect(events).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("goes on after a failure, which only its own caller sees", async () => {
  const queue = new TurnQueue();
  const bad = queue.run(async () => {
    throw new Error("bad");
  });
  const good = queue.run(async () => "good");
  await expect(bad).rejects.toThrow("bad");
  expect(await good).toBe("good");
});

test("goes on after work that fails before it gives a promise", async () => {
  const queue = new TurnQueue();
  const bad = queue.run((): Promise<void> => {
    throw new Error("bad");
  });
  await expect(bad).rejects.toThrow("bad");
  expect(await queue.run(async () => "good")).toBe("good");
});

test("an abort takes out what waits, at once", async () => {
  const queue = new TurnQueue();
  const controller = new AbortController();
  let release = (): void => {};
  const first = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
  let ran = false;
  const waiting = queue.run(async () => {
    ran = true;
  }, controller.signal);
  controller.abort(new Error("stop"));
  await expect(waiting).rejects.toThrow("stop"); // while the first still runs
  release();
  await first;
  await queue.run(async () => {});
  expect(ran).toBe(false);
});
