import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { IDLE } from "../src/merge-queue.ts";
import { rankOfScore } from "../src/piece-table.ts";

const score = fc.float({ noNaN: true, noDefaultInfinity: true });

function rank(value: number): number {
  return rankOfScore(new Int32Array(Float32Array.of(value).buffer)[0] as number);
}

test.prop([fc.oneof(score, fc.constantFrom(0, -0)), fc.oneof(score, fc.constantFrom(0, -0, -1))])(
  "ranks are in the order of scores, the best first",
  (a, b) => {
    expect(Math.sign(rank(a) - rank(b))).toBe(Math.sign(b - a) + 0); // + 0: no negative zero
    expect(rank(a)).toBeLessThan(IDLE);
  },
);
