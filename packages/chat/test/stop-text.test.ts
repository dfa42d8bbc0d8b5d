import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { createStopText } from "../src/stop-text.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All text of these pieces, and the steps at which it came. */
function run(stop: readonly string[], pieces: readonly Uint8Array[]): { steps: string[]; stopped: boolean } {
  const answer = createStopText(stop);
  const steps: string[] = [];
  for (const piece of pieces) {
    const { text, isStopped } = answer.push(piece);
    steps.push(text);
    if (isStopped) return { steps, stopped: true };
  }
  return { steps: [...steps, answer.end()], stopped: false };
}

describe("stop texts", () => {
  test("what may become one is held back until it is certain", () => {
    expect(run(["\nUser:"], ["Hi", "\n", "Us", "ually"].map(utf8))).toEqual({
      steps: ["Hi", "", "", "\nUsually", ""],
      stopped: false,
    });
  });

  test("the answer ends before the first of them", () => {
    expect(run(["\nUser:", "Bob"], ["a", "\nUs", "er: b"].map(utf8))).toEqual({ steps: ["a", "", ""], stopped: true });
    expect(run(["lo", "ell"], [utf8("hello")])).toEqual({ steps: ["h"], stopped: true });
  });

  test("what was held back at the end is text", () => {
    expect(run(["User:"], [utf8("Use")])).toEqual({ steps: ["", "Use"], stopped: false });
  });

  test("an empty stop text stops nothing", () => {
    expect(run([""], [utf8("a")])).toEqual({ steps: ["a", ""], stopped: false });
  });
});

test("a character in pieces comes whole; a cut one as U+FFFD", () => {
  const bytes = utf8("é");
  expect(run([], [bytes.subarray(0, 1), bytes.subarray(1)])).toEqual({ steps: ["", "é", ""], stopped: false });
  expect(run([], [bytes.subarray(0, 1)])).toEqual({ steps: ["", "\ufffd"], stopped: false });
});

const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 4 }), {
  maxLength: 3,
});
const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "é"), maxLength: 30 });

propertyTest.prop([stops, text, fc.integer({ min: 1, max: 5 })])(
  "in pieces of any size: everything before the first stop text, and nothing else",
  (stop, whole, size) => {
    const bytes = utf8(whole);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const { steps, stopped } = run(stop, pieces);
    const got = steps.join("");
    const ends = stop.map((one) => whole.indexOf(one)).filter((index) => index >= 0);
    expect(stopped).toBe(ends.length > 0);
    if (ends.length === 0) expect(got).toBe(whole);
    else {
      // with pieces of one byte the stop text found is the one that ends first, which need not begin first
      expect(whole.startsWith(got)).toBe(true);
      expect(stop.some((one) => whole.startsWith(one, got.length))).toBe(true);
      expect(stop.some((one) => got.includes(one))).toBe(false);
    }
  },
);
