import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { IDLE, MergeQueue } from "../src/merge-queue.ts";

const step = fc.record({ position: fc.nat(299), rank: fc.oneof(fc.nat(3), fc.constant(IDLE)) });

test.prop([fc.integer({ min: 1, max: 300 }), fc.array(step, { maxLength: 200 })])(
  "finds the left-most of the best ranks, like a search of the whole",
  (length, steps) => {
    const queue = new MergeQueue();
    queue.resize(length);
    const ranks = new Array<number>(length).fill(IDLE);
    for (const { position, rank } of steps) {
      if (position >= length) continue;
      queue.set(position, rank);
      ranks[position] = rank;
      const best = Math.min(...ranks);
      expect(queue.first()).toBe(best === IDLE ? -1 : ranks.indexOf(best));
    }
  },
);

test.prop([fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 })])(
  "can be used again for any length once it is empty",
  (lengths) => {
    const queue = new MergeQueue();
    for (const length of lengths) {
      queue.resize(length);
      expect(queue.first()).toBe(-1);
      queue.set(length - 1, 1);
      queue.set(0, 1);
      expect(queue.first()).toBe(0);
      queue.set(0, IDLE);
      expect(queue.first()).toBe(length === 1 ? -1 : length - 1);
      queue.set(length - 1, IDLE);
    }
  },
);
