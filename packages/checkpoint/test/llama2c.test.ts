import { memorySource } from "@ll/bytes";
import { describe, expect, it } from "vitest";
import { countingBudget, expectWithinPromise } from "../../../tools/parser-cost.ts";
import { openLlama2c, readLlama2cTokenizer } from "../src/llama2c.ts";
import { concat, f32s, u32 } from "./support/bytes.ts";
import { expectRejected } from "./support/expect-rejected.ts";

const token = (score: number, text: string): Uint8Array =>
  concat(f32s([score]), u32(new TextEncoder().encode(text).length), text);

describe("readLlama2cTokenizer", () => {
  it("gives final texts: unknown, empty, bytes and pieces", async () => {
    const texts = ["<unk>", "\n<s>\n", "\n</s>\n", "<0x0A>", "<0xFF>", " the", "<0xff>", "é"];
    const file = concat(u32(6), ...texts.map((text, i) => token(-i, text)));
    const budget = countingBudget();
    const vocab = await readLlama2cTokenizer(memorySource(file), { budget });
    expectWithinPromise(budget, file.length);
    expect(budget.usedItems).toBe(texts.length);
    const utf8 = new TextEncoder();
    expect(vocab.map((entry) => [...entry.text])).toEqual([
      [...utf8.encode(" ⁇ ")],
      [],
      [],
      [10],
      [255],
      [...utf8.encode(" the")],
      [...utf8.encode("<0xff>")],
      [...utf8.encode("é")],
    ]);
    expect(vocab.map((entry) => entry.score)).toEqual([-0, -1, -2, -3, -4, -5, -6, -7]);
  });

  it.each([
    ["no bytes", new Uint8Array(0), "E_TRUNC"],
    ["half a score", concat(u32(4), [0, 0]), "E_TRUNC"],
    ["a text past the end", concat(u32(4), f32s([0]), u32(100), "ab"), "E_TRUNC"],
    ["a text of 4 GiB", concat(u32(4), f32s([0]), u32(2 ** 32 - 1), "ab"), "E_LENGTH"],
  ])("refuses %s", async (_, bytes, code) => {
    await expectRejected(() => readLlama2cTokenizer(memorySource(bytes)), code);
  });
});

describe("openLlama2c", () => {
  it.each([
    ["zeros", [0, 0, 0, 0, 0, 0, 0]],
    ["sizes over any limit", [2 ** 30, 1, 1, 1, 1, 1, 1]],
    ["heads that do not divide", [16, 1, 1, 3, 1, 1, 1]],
    ["key heads that do not divide", [16, 1, 1, 4, 3, 1, 1]],
    ["a vocabulary of -2^31", [16, 1, 1, 4, 4, -(2 ** 31), 1]],
  ])("does not take %s for a model", async (_, numbers) => {
    const file = concat(...numbers.map((n) => u32(n >>> 0)), new Uint8Array(100));
    expect(await openLlama2c(memorySource(file))).toBeUndefined();
  });

  /** A file of zeros with exactly the size that these numbers give. */
  function exact(dim: number, hiddenDim: number, nLayers: number, nHeads: number, nKvHeads: number): Uint8Array {
    const kvRows = (dim / nHeads) * nKvHeads;
    const perLayer = 2 * dim + 2 * dim * dim + 2 * kvRows * dim + 3 * hiddenDim * dim;
    const nValues = 8 * dim + nLayers * perLayer + dim + 4 * (dim / nHeads);
    return concat(...[dim, hiddenDim, nLayers, nHeads, nKvHeads, 8, 4].map(u32), new Uint8Array(4 * nValues));
  }

  it("takes key heads that divide the heads, of a file of exactly the right size, and no others", async () => {
    expect(await openLlama2c(memorySource(exact(16, 8, 1, 4, 2)))).toMatchObject({
      header: { nHeads: 4, nKvHeads: 2 },
    });
    expect(await openLlama2c(memorySource(exact(16, 8, 1, 4, 3)))).toBeUndefined();
  });
});
