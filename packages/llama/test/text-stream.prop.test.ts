import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { createTextStream } from "../src/text-stream.ts";

/** Pushes the bytes of `text` in pieces of the given sizes (repeated); returns all that came out. */
function streamed(text: string, stops: string[], sizes: number[]): string {
  const bytes = new TextEncoder().encode(text);
  const stream = createTextStream(stops);
  let out = "";
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    const { text: piece, stopped } = stream.push(bytes.subarray(offset, offset + size));
    out += piece;
    expect(piece.isWellFormed()).toBe(true);
    if (stopped) return out;
    offset += size;
  }
  return out + stream.flush();
}

const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });

test.prop([fc.string({ unit: "grapheme" }), sizes])("without stops the text comes through", (text, pieces) => {
  expect(streamed(text, [], pieces)).toBe(text);
});

// few letters, so that stops occur and nearly occur
const letters = fc.string({ unit: fc.constantFrom("a", "é", "🦙", "中") });
const stops = fc.array(letters, { maxLength: 3 }).map((all) => all.filter((stop) => stop !== ""));

test.prop([letters, stops, sizes], { numRuns: 1000 })(
  "the text ends before a stop, wherever it is cut",
  (text, all, pieces) => {
    const out = streamed(text, all, pieces);
    expect(out).toBe(streamed(text, all, [1000]));
    expect(text.startsWith(out)).toBe(true);
    for (const stop of all) expect(out).not.toContain(stop);
    if (out !== text) expect(all.some((stop) => text.startsWith(stop, out.length))).toBe(true);
  },
);
