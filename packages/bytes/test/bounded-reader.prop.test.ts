import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createReader, isFormatError, memorySource } from "../src/index.ts";

const step = fc.oneof(
  fc.constantFrom("u8", "u16", "u32", "i32", "f32", "u64").map((kind) => ({ kind, length: 0 })),
  fc.record({ kind: fc.constantFrom("bytes", "seek"), length: fc.integer({ min: 0, max: 40 }) }),
);
type Step = { kind: string; length: number };

/** What each step gives: a value, or the code and place of the error, after which reading goes on. */
async function run(
  bytes: Uint8Array,
  steps: readonly Step[],
  chunkBytes: number,
  maxChunkBytes = chunkBytes,
): Promise<unknown[]> {
  const reader = createReader(memorySource(bytes), { chunkBytes, maxChunkBytes });
  const results: unknown[] = [];
  for (const { kind, length } of steps) {
    try {
      if (kind === "bytes") results.push(await reader.bytes(length, kind));
      else if (kind === "seek") results.push(reader.seek(length, kind));
      else results.push(await reader[kind as "u8"](kind));
    } catch (error) {
      if (!isFormatError(error)) throw error;
      results.push([error.code, error.offset, error.expected, error.got]);
    }
    results.push(reader.offset);
  }
  return results;
}

test.prop([fc.uint8Array({ maxLength: 100 }), fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 50 })])(
  "the chunk size never shows",
  async (bytes, steps, chunkBytes) => {
    const expected = await run(bytes, steps, 1000);
    expect(await run(bytes, steps, chunkBytes)).toEqual(expected);
    expect(await run(bytes, steps, chunkBytes, 3 * chunkBytes)).toEqual(expected);
  },
);
