import { describe, expect, test } from "vitest";
import { build803, softmax } from "../src/arithmetic/build803.ts";
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
  const kvDim = nKvHeads * HEAD_DIM;
  const cache = createKvCache([kvDim, kvDim], 8, "f32");
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
