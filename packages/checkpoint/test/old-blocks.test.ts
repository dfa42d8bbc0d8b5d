import { fc, test } from "@fast-check/vitest";
import { memorySource, type SourceTensor } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { dequantizeOld } from "../src/old-blocks.ts";
import { spanTensor } from "../src/source-tensor.ts";
import { concat, f32s } from "./support/bytes.ts";
import { readAll } from "./support/files.ts";

const block = fc.record({
  d: fc.float({ noNaN: true, noDefaultInfinity: true }),
  m: fc.float({ noNaN: true, noDefaultInfinity: true }),
  q: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 32, maxLength: 32 }),
});
type Block = { d: number; m: number; q: number[] };

const nibbles = (q: number[]) => Array.from({ length: 16 }, (_, k) => q[2 * k]! | (q[2 * k + 1]! << 4));

async function values(type: string, blocks: Block[], pieceBytes: number): Promise<Float32Array> {
  const head = ({ d, m }: Block) => f32s(type === "q4_0_v1" ? [d] : [d, m]);
  const bytes = concat(...blocks.map((one) => concat(head(one), nibbles(one.q))));
  const stored = spanTensor("t", type, [blocks.length, 32], memorySource(bytes), 0, bytes.length);
  const tensor = dequantizeOld(new Map([["t", stored]])).get("t") as SourceTensor;
  expect(tensor).toMatchObject({ name: "t", type: "f32", shape: [blocks.length, 32], byteLength: blocks.length * 128 });
  return new Float32Array((await readAll(tensor, pieceBytes)).buffer);
}

describe("dequantizeOld", () => {
  const blocks = fc.array(block, { minLength: 1, maxLength: 4 });

  test.prop([blocks, fc.integer({ min: 1, max: 300 })])("q4_0_v1 is d · (q - 8)", async (all, pieceBytes) => {
    const expected = all.flatMap(({ d, q }) => q.map((level) => Math.fround(d * (level - 8))));
    expect(await values("q4_0_v1", all, pieceBytes)).toEqual(Float32Array.from(expected));
  });

  test.prop([blocks, fc.integer({ min: 1, max: 300 })])("q4_1_v1 is d · q + m", async (all, pieceBytes) => {
    const expected = all.flatMap(({ d, m, q }) => q.map((level) => Math.fround(Math.fround(d * level) + m)));
    expect(await values("q4_1_v1", all, pieceBytes)).toEqual(Float32Array.from(expected));
  });

  it("leaves other types alone", () => {
    const tensor = spanTensor("t", "f16", [1], memorySource(new Uint8Array(2)), 0, 2);
    expect(dequantizeOld(new Map([["t", tensor]])).get("t")).toBe(tensor);
  });
});
