import { expect, test } from "vitest";
import { memorySink } from "../src/index.ts";

test("a memory sink keeps copies, in order", async () => {
  const sink = memorySink();
  expect(sink.bytes()).toEqual(new Uint8Array(0));
  const reused = Uint8Array.of(1, 2);
  await sink.write(reused);
  reused.fill(9);
  await sink.write(reused.subarray(1));
  const buffer = Buffer.from([5, 6]); // whose slice() would share memory
  await sink.write(buffer);
  buffer.fill(0);
  await sink.write(new Uint8Array(0));
  expect(sink.bytesWritten).toBe(5);
  expect(sink.bytes()).toEqual(Uint8Array.of(1, 2, 9, 5, 6));
});
