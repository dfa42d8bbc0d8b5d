// Exhaustive damage: every prefix and every single bit of a small file.

import { memorySource } from "@ll/bytes";
import { describe, expect, test } from "vitest";
import { type GgufFile, isGgufFormatError, openGguf } from "../src/index.ts";
import { EVERY_PAIR, ggufBytes, smallFile } from "./support/gguf-bytes.ts";
import { records } from "./support/records.ts";

const open = (bytes: Uint8Array): Promise<GgufFile> => openGguf(memorySource(bytes, "model.gguf"));

describe("every prefix", () => {
  test.each([
    ["with tensors", smallFile()],
    ["with values of every type", ggufBytes({ pairs: EVERY_PAIR, endPadding: false })],
  ])("of a file %s", async (_name, bytes) => {
    const whole = await records(await open(bytes));
    const last = (await open(bytes)).tensors.at(-1);
    const dataEnd = last === undefined ? bytes.length : last.dataOffset + last.byteLength;
    for (let length = 0; length < bytes.length; length++) {
      const prefix = bytes.subarray(0, length);
      if (length >= dataEnd) {
        // only padding is missing
        const file = await open(prefix);
        expect(await records(file)).toEqual(whole);
        expect(file.warnings).toHaveLength(1);
        continue;
      }
      const error = await open(prefix).then(
        () => expect.unreachable(`a prefix of ${length} bytes was taken`),
        (reason: unknown) => reason,
      );
      if (!isGgufFormatError(error, "E_TRUNC")) throw error;
      // what was wanted ends after the cut
      const wantedEnd = error.offset! + Number.parseInt(String(error.expected), 10);
      expect(wantedEnd).toBeGreaterThan(length);
      expect(error.got).toBe(`${Math.max(0, length - error.offset!)} bytes`);
    }
  });
});

describe("every bit", () => {
  test.each([
    ["tensors", smallFile()],
    ["values of every type", ggufBytes({ pairs: EVERY_PAIR })],
  ])(
    "of a file with %s, flipped in turn, gives a typed error, or a file that differs in one thing",
    async (_name, seed) => {
      expect(seed.length).toBeLessThanOrEqual(2048);
      const original = await records(await open(seed));
      const counts = { refused: 0, changed: 0, harmless: 0 };
      for (let bit = 0; bit < 8 * seed.length; bit++) {
        const flipped = seed.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        let file: GgufFile;
        try {
          file = await open(flipped);
        } catch (error) {
          if (!isGgufFormatError(error)) throw error;
          counts.refused++;
          continue;
        }
        const found = await records(file);
        expect(found.length, `bit ${bit}`).toBe(original.length);
        const nChanged = found.filter((record, index) => record !== original[index]).length;
        expect(nChanged, `bit ${bit}`).toBeLessThanOrEqual(1);
        counts[nChanged === 0 ? "harmless" : "changed"]++;
      }
      // a reader that refuses everything fails here, and one that takes everything
      expect(counts.refused).toBeGreaterThan(1000);
      expect(counts.changed).toBeGreaterThan(1000);
      expect(counts.harmless).toBeGreaterThan(10); // padding, and truth values that stay true
    },
  );
});
