// A vocabulary made ready for merging: its texts in a hash table, their scores, and where no merge can cross.

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { TYPE } from "./pieces.ts";
import { NONE, TextIndex } from "./text-index.ts";
import type { Texts } from "./texts.ts";

/** In every LLaMA vocabulary, and by definition in build 803, byte b has the id b + 3. */
export const FIRST_BYTE_ID = 3;
export const LLAMA_BYTE_IDS: Int32Array = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, b) => b + FIRST_BYTE_ID); // (256)

/** In place of an id: two bytes that follow one another in no text. */
export const NO_JOIN = -2;

/** What becomes of bytes outside every text. */
export interface ByteFallback {
  readonly byteIds: Int32Array; // (256)
  /** Never put out twice in a row; -1 if there is no such id. */
  readonly unkId: number;
}

/** What a table is made of. */
export interface TableParts extends ByteFallback {
  readonly texts: Texts;
  readonly scores: Float32Array; // (nTexts)
  /**
   * Values of `TYPE`. "normal" texts are found by merging; "user-defined" ones before anything is merged, and without being merged
   * themselves; "unused" ones by merging, but they are split again at the end; others not at all. undefined: all are normal.
   */
  readonly types: Uint8Array | undefined; // (nTexts)
}

export interface PieceTable extends TableParts {
  readonly index: TextIndex;
  /** The bits of the scores. */
  readonly scoreBits: Int32Array; // (nTexts)
  /** By two bytes: the id of the text that they are; NONE if they only follow one another inside a text; NO_JOIN if no merge can cross. */
  readonly bytePairs: Int32Array; // (256, 256)
  /** Bytes of the longest user-defined text, by its first byte. */
  readonly wholeBytes: Uint16Array; // (256)
}

/**
 * Of several equal texts the last counts; empty texts are not found at all.
 * @throws TokenizerModelError `E_RANGE` for a score that is not finite.
 */
export function createPieceTable(parts: TableParts, budget?: Budget): PieceTable {
  const { texts, scores, types } = parts;
  assertFinite(scores);
  const index = new TextIndex(texts, budget);
  budget?.takeBytes(4 * 256 * 256 + 2 * 256, "pieces");
  const bytePairs = new Int32Array(256 * 256).fill(NO_JOIN);
  const wholeBytes = new Uint16Array(256);
  for (const id of scores.keys()) {
    const type = types?.[id] ?? TYPE.normal;
    const start = texts.starts[id] as number;
    const end = texts.starts[id + 1] as number;
    if (start === end || type === TYPE.unknown || type === TYPE.control || type === TYPE.byte) continue;
    index.add(id);
    const first = texts.bytes[start] as number;
    if (type === TYPE["user-defined"]) wholeBytes[first] = Math.max(wholeBytes[first] as number, end - start);
    else {
      for (let i = start + 1; i < end; i++) {
        const pair = ((texts.bytes[i - 1] as number) << 8) | (texts.bytes[i] as number);
        bytePairs[pair] = end - start === 2 ? id : Math.max(bytePairs[pair] as number, NONE);
      }
    }
  }
  const scoreBits = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
  return { ...parts, index, scoreBits, bytePairs, wholeBytes };
}

/** Orders scores, given as bits of a binary32 number: the better one has the lower rank. Both zeros have one, and none that of `IDLE`. */
export function rankOfScore(bits: number): number {
  return bits >= 0 ? (0 - bits) | 0 : bits & 0x7fffffff;
}

function assertFinite(scores: Float32Array): void {
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad === -1) return;
  throw new TokenizerModelError({
    code: "E_RANGE",
    field: `vocab[${bad}].score`,
    expected: "a finite number",
    got: String(scores[bad]),
    message: `a score of ${scores[bad]}`,
  });
}
