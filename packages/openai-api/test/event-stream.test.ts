// Readers that do not read, and writers that have nothing to say.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EventStream } from "../src/event-stream.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const newStream = () => {
  const onGone = vi.fn();
  return { stream: new EventStream({ pingMs: 15_000, onGone }), onGone };
};

test("a reader that has more than a mebibyte to read is given up", async () => {
  const { stream, onGone } = newStream();
  const reader = stream.response().body!.getReader();
  const text = "x".repeat(2 ** 18);
  for (let i = 0; i < 3; i++) stream.send({ text });
  expect(onGone).not.toHaveBeenCalled();
  stream.send({ text });
  expect(onGone).toHaveBeenCalledOnce();
  // whoever waits for room to write, and does not read, hears of it as well
  await expect(reader.closed).rejects.toThrow("not read");
  stream.send({ text });
  await expect(reader.read()).rejects.toThrow("not read");
});

test("so is one that reads nothing for a minute, but none that has nothing to read", () => {
  const { stream, onGone } = newStream();
  stream.response();
  stream.send({});
  vi.advanceTimersByTime(59_000);
  expect(onGone).not.toHaveBeenCalled();
  vi.advanceTimersByTime(16_000);
  expect(onGone).toHaveBeenCalledOnce();
});

test("silence is broken by comments that are read", async () => {
  const { stream, onGone } = newStream();
  const reader = stream.response().body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let i = 0; i < 6; i++) {
    const read = reader.read();
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await read).value).toBe(": ping\n\n");
  }
  expect(onGone).not.toHaveBeenCalled();
  stream.close();
  expect((await reader.read()).done).toBe(true);
});

test("what was written before the end is read behind it", async () => {
  const { stream, onGone } = newStream();
  stream.send({ a: 1 }, "first");
  stream.send("[DONE]");
  stream.close();
  stream.send({ late: true });
  expect(await stream.response().text()).toBe('event: first\ndata: {"a":1}\n\ndata: [DONE]\n\n');
  expect(onGone).not.toHaveBeenCalled();
});
