import { expect, test } from "vitest";
import { createReader, memorySource } from "../src/index.ts";

test("u32 over refills", async () => {
  const b = new Uint8Array(64).map((_, i) => i);
  const r = createReader(memorySource(b), { chunkBytes: 7 });
  const got: number[] = [];
  for (let i = 0; i < 16; i++) got.push(await r.u32("x"));
  const v = new DataView(b.buffer);
  expect(got).toEqual(Array.from({ length: 16 }, (_, i) => v.getUint32(4 * i, true)));
});
