import { describe, expect, test } from "vitest";
import { feedForwardSize, findMult } from "../src/index.ts";

const SMALL = { nLayers: 32, nHeads: 32, nKvHeads: 32 };
const LLAMA_2_70B = { nEmbd: 8192, nLayers: 80, nHeads: 64, nKvHeads: 8 };

describe("feed-forward size", () => {
  test.each([
    [4096, 256, 11_008],
    [5120, 256, 13_824],
    [6656, 256, 17_920],
    [8192, 256, 22_016],
    [3200, 216, 8_640],
    [8, 8, 24],
    [1, 1, 2],
    [3, 1, 8],
    [3, 256, 256],
  ])("%i channels and n_mult %i give %i, and a number that gives it is found again", (nEmbd, nMult, nFf) => {
    const sizes = { ...SMALL, nEmbd };
    expect(feedForwardSize(sizes, nMult)).toBe(nFf);
    const found = findMult(sizes, nFf);
    if (nMult > 1) expect(feedForwardSize(sizes, found!)).toBe(nFf);
  });

  test("LLaMA 2 70B widens its layers by 1.3; both 80 layers and groups of 8 make it that model", () => {
    expect(feedForwardSize(LLAMA_2_70B, 4096)).toBe(28_672);
    expect(feedForwardSize({ ...LLAMA_2_70B, nLayers: 79 }, 4096)).toBe(24_576);
    expect(feedForwardSize({ ...LLAMA_2_70B, nKvHeads: 16 }, 4096)).toBe(24_576);
    expect(findMult(LLAMA_2_70B, 28_672)).toBe(7168);
  });

  test("finds the largest n_mult up to 256 first, then the largest up to 8192", () => {
    expect(findMult({ ...SMALL, nEmbd: 4096 }, 11_008)).toBe(256);
    expect(findMult({ ...SMALL, nEmbd: 256 }, 704)).toBe(176);
    expect(findMult({ ...SMALL, nEmbd: 8192 }, 28_672)).toBe(7168);
    expect(findMult({ ...SMALL, nEmbd: 4096 }, 11_027)).toBeUndefined();
    expect(findMult({ ...SMALL, nEmbd: 4096 }, 100)).toBeUndefined();
  });
});
