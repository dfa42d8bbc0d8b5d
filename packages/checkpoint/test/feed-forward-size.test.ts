import { describe, expect, it } from "vitest";
import { feedForwardSize, findMult, metaFeedForwardSize } from "../src/feed-forward-size.ts";

describe("feed-forward size", () => {
  it.each([
    [4096, 256, 11008],
    [5120, 256, 13824],
    [6656, 256, 17920],
    [8192, 256, 22016],
    [3200, 216, 8640],
  ])("n_embd %i and n_mult %i give %i, and n_mult is found again", (nEmbd, nMult, nFf) => {
    expect(feedForwardSize(nEmbd, nMult)).toBe(nFf);
    expect(metaFeedForwardSize(nEmbd, nMult)).toBe(nFf);
    expect(feedForwardSize(nEmbd, findMult(nEmbd, nFf)!)).toBe(nFf);
  });

  it("scales the 70B model", () => {
    expect(metaFeedForwardSize(8192, 4096, 1.3)).toBe(28672);
  });

  it("finds the largest n_mult up to 256 first, then the largest up to 8192", () => {
    expect(findMult(4096, 11008)).toBe(256);
    expect(findMult(256, 704)).toBe(176);
    expect(findMult(8192, 28672)).toBe(7168);
    expect(findMult(4096, 11027)).toBeUndefined();
    expect(findMult(4096, 100)).toBeUndefined();
  });
});
