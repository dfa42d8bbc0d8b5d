import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { gatherPart, partOf } from "../src/kv-order.ts";
import { cutEvenly } from "../src/team/ranges.ts";

const shapes = fc.record({
  layers: fc.array(
    fc.record({
      nHeads: fc.integer({ min: 1, max: 5 }),
      keyBytes: fc.integer({ min: 1, max: 9 }),
      valueBytes: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  nTokens: fc.integer({ min: 0, max: 5 }),
});

test.prop([shapes, fc.integer({ min: 1, max: 4 })])("parts of all shards make the file again", (shape, nShards) => {
  const { layers, nTokens } = shape;
  const positionBytes = layers.reduce(
    (sum, { nHeads, keyBytes, valueBytes }) => sum + nHeads * (keyBytes + valueBytes),
    0,
  );
  const file = new Uint8Array(positionBytes * nTokens).map((_, i) => i * 7);
  const again = new Uint8Array(file.length);
  for (const [layer, { nHeads }] of layers.entries()) {
    for (const heads of cutEvenly(nHeads, nShards, 1)) {
      gatherPart(again, partOf(file, shape, layer, heads), shape, layer, heads);
    }
  }
  expect(again).toEqual(file);
});

test("a part is keys by position, then values by head", () => {
  const layer = { nHeads: 3, keyBytes: 2, valueBytes: 2 };
  const shape = { layers: [layer, layer], nTokens: 2 };
  // element e of the file is e, in two bytes
  const file = new Uint8Array(new Uint16Array(Array.from({ length: 24 }, (_, e) => e)).buffer);
  const part = new Uint16Array(partOf(file, shape, 1, { start: 1, end: 3 }).buffer);
  // keys of layer 1 begin at 6, position 1 at 9; values at 12 + 6, head 1 at 20
  expect([...part]).toEqual([7, 8, 10, 11, 20, 21, 22, 23]);
});
