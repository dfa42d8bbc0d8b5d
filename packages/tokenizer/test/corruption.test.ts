// Exhaustive damage: every prefix and every single bit of a small model. What comes out is a typed error, or a model that differs
// from the good one in the damaged part only.

import { describe, expect, test } from "vitest";
import {
  createTokenizer,
  isTokenizerModelError,
  readSentencePieceModel,
  type SentencePieceModel,
} from "../src/index.ts";
import { modelBytes, normalizerField, TYPE, trainerField, varintField } from "./support/model-bytes.ts";
import { tinyBytes } from "./support/tiny.ts";

const PIECES = [
  { text: "<unk>", score: 0, type: TYPE.unknown },
  { text: "<s>", score: 0, type: TYPE.control },
  { text: "</s>", score: 0, type: TYPE.control },
  { text: "\u2581a", score: -0 },
  { text: "bc", score: -1 },
  { text: "<u>", score: 0, type: TYPE.userDefined },
];
const SECTIONS = [trainerField(varintField(4, PIECES.length)), normalizerField(varintField(4, 0))];
const seed = modelBytes(PIECES, SECTIONS);
const good = readSentencePieceModel(seed);

/** The model, or undefined if it is refused with a typed error. Any other error is thrown. */
function tryRead(bytes: Uint8Array): SentencePieceModel | undefined {
  try {
    return readSentencePieceModel(bytes, "tokenizer.model");
  } catch (error) {
    if (!isTokenizerModelError(error)) throw error;
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    return undefined;
  }
}

describe("every prefix", () => {
  test("of a small model: only those that end between fields are taken", () => {
    const taken: number[] = [];
    for (let length = 0; length < seed.length; length++) {
      const model = tryRead(seed.subarray(0, length));
      if (model === undefined) continue;
      taken.push(length);
      expect(model.pieces).toEqual(good.pieces.slice(0, model.pieces.length));
    }
    const ends = PIECES.map((_, index) => modelBytes(PIECES.slice(0, index + 1), []).length);
    const sectionEnds = [modelBytes(PIECES, SECTIONS.slice(0, 1)).length];
    expect(taken).toEqual([...ends, ...sectionEnds]);
  });

  test("of the tiny model: none without all byte pieces is taken", () => {
    let nTaken = 0;
    for (let length = 0; length < tinyBytes.length; length += 7) {
      const model = tryRead(tinyBytes.subarray(0, length));
      if (model === undefined) continue;
      nTaken++;
      expect(model.pieces.length === 1 || model.pieces.length >= 259).toBe(true);
    }
    expect(nTaken).toBeGreaterThan(0);
  });
});

describe("every bit", () => {
  test("of a small model: at most one part of what is taken differs", () => {
    const outcomes = { refused: 0, same: 0, onePart: 0 };
    for (let bit = 0; bit < seed.length * 8; bit++) {
      const damaged = seed.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const model = tryRead(damaged);
      const nDiffering = model === undefined ? 0 : parts(model).filter((part, i) => part !== parts(good)[i]).length;
      expect({ bit, nDiffering: Math.max(nDiffering, 1) }).toEqual({ bit, nDiffering: 1 });
      outcomes[model === undefined ? "refused" : nDiffering === 0 ? "same" : "onePart"]++;
      if (model !== undefined) createTokenizer(model).encode("a bc<u>", { mode: "sentencepiece" }); // does not throw
    }
    // "same" are names and numbers that are not used, such as the name of the normaliser
    expect(outcomes).toMatchInlineSnapshot(`
      {
        "onePart": 365,
        "refused": 393,
        "same": 90,
      }
    `);
  });
});

/** Every piece and every section, as text. */
function parts({ pieces, normalizer, trainer }: SentencePieceModel): string[] {
  return [...pieces, normalizer, trainer ?? "none"].map((part) =>
    JSON.stringify(part, (_, value) => (Object.is(value, -0) ? "-0" : value)),
  );
}
