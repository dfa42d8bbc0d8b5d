import { describe, expect, test } from "vitest";
import { build803, softmax } from "../src/arithmetic/build803.ts";
import { lanes, TILE } from "../src/arithmetic/lanes.ts";
import { attendTo } from "../src/ops/attend.ts";
import { createKvCache } from "../src/scalar/kv-cache.ts";
import { randomValues } from "./support/hand-made.ts";

const N = 3; // tokens of the batch
const HEADS = 4;
const HEAD_DIM = 16;
const SCALE = 0.25;

/** Attention of head `h` at position `i` over an f32 cache, written down plainly: (HEAD_DIM). */
function twin(query: Float32Array, keys: Float32Array[], values: Float32Array[], i: number, kvHead: number): number[] {
  const scores = new Float32Array(i + 1);
  for (let t = 0; t <= i; t++) {
    let sum = 0;
    for (let c = 0; c < HEAD_DIM; c++) sum += Math.fround(keys[t]![kvHead * HEAD_DIM + c]! * query[c]!);
    scores[t] = Math.fround(sum) * SCALE;
  }
  softmax(scores, i + 1);
  return Array.from({ length: HEAD_DIM }, (_, c) => {
    let sum = 0;
    for (let t = 0; t <= i; t++) sum += Math.fround(values[t]![kvHead * HEAD_DIM + c]! * scores[t]!);
    return Math.fround(sum);
  });
}

describe.each([4, 2, 1])("%i key and value heads", (nKvHeads) => {
  const shape = { headDim: HEAD_DIM, headsPerKvHead: HEADS / nKvHeads, scale: SCALE };
  const heads = { nHeads: nKvHeads, headDim: HEAD_DIM };
  const cache = createKvCache([heads, heads], 8, "f32");
  const scalar = { arithmetic: build803 };
  const keys = [0, 1, 2].map((t) => randomValues(10 + t, nKvHeads * HEAD_DIM));
  const values = [0, 1, 2].map((t) => randomValues(20 + t, nKvHeads * HEAD_DIM));
  for (let t = 0; t < N; t++) cache.store(1, t, keys[t]!, values[t]!);
  const queries = randomValues(30, N * HEADS * HEAD_DIM); // (N, HEADS, HEAD_DIM)
  const vector = (index: number): Float32Array => queries.subarray(index * HEAD_DIM, (index + 1) * HEAD_DIM);

  test("neighbouring query heads share them", () => {
    for (let i = 0; i < N; i++) {
      const out = new Float32Array(HEADS * HEAD_DIM);
      attendTo(out, { queries, first: i * HEADS, step: 1 }, cache, 1, i, shape, scalar);
      const expected = [0, 1, 2, 3].flatMap((h) =>
        twin(vector(i * HEADS + h), keys, values, i, Math.floor((h * nKvHeads) / HEADS)),
      );
      expect([...out]).toEqual(expected);
    }
  });

  test("the mix-up of build 803: head h of token i has the vector of position ⌊(hN + i) / heads⌋, head (hN + i) mod heads", () => {
    for (let i = 0; i < N; i++) {
      const out = new Float32Array(HEADS * HEAD_DIM);
      attendTo(out, { queries, first: i, step: N }, cache, 1, i, shape, scalar);
      const expected = [0, 1, 2, 3].flatMap((h) => {
        const position = Math.floor((h * N + i) / HEADS);
        const head = (h * N + i) % HEADS;
        return twin(vector(position * HEADS + head), keys, values, i, Math.floor((h * nKvHeads) / HEADS));
      });
      expect([...out]).toEqual(expected);
    }
  });
});

describe.each([build803, lanes])("a window, a cap and sinks in $name", (arithmetic) => {
  const nTokens = 3 * TILE + 5;
  const keys = Array.from({ length: nTokens }, (_, t) => randomValues(100 + t, HEAD_DIM));
  const values = Array.from({ length: nTokens }, (_, t) => randomValues(300 + t, HEAD_DIM));
  const query = randomValues(7, HEAD_DIM).map((x) => 4 * x);

  function attended(first: number, end: number, softCap?: number, sink?: number): Float32Array {
    const cache = createKvCache([{ nHeads: 1, headDim: HEAD_DIM }], nTokens, "f32");
    const nothing = new Float32Array(HEAD_DIM).fill(Number.NaN);
    for (let t = 0; t < nTokens; t++) {
      const isSeen = first <= t && t < end;
      cache.store(0, t, isSeen ? keys[t]! : nothing, isSeen ? values[t]! : nothing);
    }
    const out = new Float32Array(HEAD_DIM);
    arithmetic.attend(out, query, cache.head(0, 0), { first, end, scale: SCALE, softCap, sink });
    return out;
  }

  test.each<[string, number, number, (number | undefined)?, number?]>([
    ["a window of one", 70, 71],
    ["a window from the middle of a tile", TILE + 3, 2 * TILE + 1],
    ["a window of one tile", TILE, 2 * TILE],
    ["a cap that matters", 0, 50, 1.5],
    ["a sink below the scores", 0, 50, undefined, -1],
    ["a sink above the scores", 0, 50, undefined, 9],
    ["all of them", 37, nTokens, 2, 0.5],
  ])("%s is near softmax in double", (_, first, end, softCap, sink) => {
    const capped = (score: number): number => (softCap === undefined ? score : softCap * Math.tanh(score / softCap));
    const seen = Array.from({ length: end - first }, (_, i) => first + i);
    const weights = seen.map((t) => Math.exp(capped(keys[t]!.reduce((sum, k, c) => sum + k * query[c]!, 0) * SCALE)));
    const total = weights.reduce((sum, w) => sum + w, sink === undefined ? 0 : Math.exp(sink));
    const out = attended(first, end, softCap, sink);
    for (let c = 0; c < HEAD_DIM; c++) {
      const exact = weights.reduce((sum, w, i) => sum + w * values[seen[i]!]![c]!, 0) / total;
      // build 803 rounds exponentials to the 11 bits of binary16, lanes sums a hundred terms in binary32
      expect(Math.abs(out[c]! - exact)).toBeLessThan(arithmetic === lanes ? 2e-6 : 1e-3);
    }
  });

  test("a sink that is far below takes nothing", () => {
    expect(attended(0, 50, undefined, -200)).toEqual(attended(0, 50));
    expect(attended(0, 50, undefined, Number.NEGATIVE_INFINITY)).toEqual(attended(0, 50));
  });
});

test("a window is counted from each position, its own included; query heads have their own sinks", () => {
  const cache = createKvCache([{ nHeads: 1, headDim: HEAD_DIM }], 8, "f32");
  for (let t = 0; t < 8; t++) cache.store(0, t, randomValues(t, HEAD_DIM), new Float32Array(HEAD_DIM).fill(2 ** t));
  const queries = new Float32Array(2 * HEAD_DIM); // scores of 0: the mean of what is seen
  const attended = (position: number, more: { window?: number; sinks?: Float32Array }): number[] => {
    const out = new Float32Array(2 * HEAD_DIM); // (2 heads, HEAD_DIM)
    const shape = { headDim: HEAD_DIM, headsPerKvHead: 2, scale: SCALE, ...more };
    attendTo(out, { queries, first: 0, step: 1 }, cache, 0, position, shape, { arithmetic: lanes });
    return [out[0]!, out[HEAD_DIM]!];
  };
  expect(attended(3, { window: 2 })).toEqual([6, 6]); // (4 + 8) / 2
  expect(attended(0, { window: 2 })).toEqual([1, 1]);
  expect(attended(3, { window: 4 })).toEqual(attended(3, {}));
  expect(attended(1, { sinks: Float32Array.of(Number.NEGATIVE_INFINITY, 0) })).toEqual([1.5, 1]);
});
