// A vocabulary made ready for merging: texts in a trie, scores as ranks, and where no merge can cross.

import { ByteTrie } from "./byte-trie.ts";
import { TokenizerModelError } from "./errors.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";

/** In every LLaMA vocabulary, and by definition in build 803, byte b has the id b + 3. */
export const FIRST_BYTE_ID = 3;
export const LLAMA_BYTE_IDS: Int32Array = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, b) => b + FIRST_BYTE_ID); // (256)

export interface TablePiece {
  readonly id: number;
  readonly text: Uint8Array;
  readonly score: number;
  /**
   * How it is found: "merged", by merging; "whole", before anything is merged and without being merged itself; "unused", by
   * merging, but split again at the end.
   */
  readonly use: "merged" | "whole" | "unused";
}

export interface PieceTable {
  readonly trie: ByteTrie;
  readonly ids: Int32Array; // (nNodes): id of the text that ends at the node, -1 if none does
  /** Rank of the text's score: 0 for the best score, equal scores share one. */
  readonly ranks: Int32Array; // (nNodes)
  readonly uses: readonly TablePiece["use"][] | undefined; // (nNodes); undefined if every text is "merged"
  /** 1 if the second byte may follow the first inside a text. Where it is 0, no merge can cross. */
  readonly joins: Uint8Array; // (256, 256)
  readonly byteIds: Int32Array; // (256): what a byte outside every text becomes
  /** Never put out twice in a row; -1 if there is no such id. */
  readonly unkId: number;
}

/**
 * Of several pieces with the same text the last counts; empty texts are not found at all.
 * @throws TokenizerModelError `E_LIMIT` if there are too many texts or bytes; `E_RANGE` for a score that is not finite.
 */
export function createPieceTable(pieces: readonly TablePiece[], byteIds: Int32Array, unkId: number): PieceTable {
  const nBytes = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
  assertLimit("vocabulary entries", pieces.length, MAX_PIECES);
  assertLimit("bytes of vocabulary texts", nBytes, MAX_VOCABULARY_BYTES);
  const trie = new ByteTrie(nBytes);
  const nodes = pieces.map((piece) => trie.insert(piece.text));
  const scoreRanks = rankScores(pieces);

  const ids = new Int32Array(trie.nNodes).fill(-1);
  const ranks = new Int32Array(trie.nNodes);
  const uses = pieces.some((piece) => piece.use !== "merged")
    ? new Array<TablePiece["use"]>(trie.nNodes).fill("merged")
    : undefined;
  const joins = new Uint8Array(256 * 256);
  for (const [index, { id, text, score, use }] of pieces.entries()) {
    const node = nodes[index] as number;
    if (text.length === 0) continue;
    ids[node] = id;
    ranks[node] = scoreRanks.get(Math.fround(score)) as number;
    if (uses !== undefined) uses[node] = use;
    for (let i = 1; i < text.length; i++) joins[((text[i - 1] as number) << 8) | (text[i] as number)] = 1;
  }
  return { trie, ids, ranks, uses, joins, byteIds, unkId };
}

/** Distinct scores, best first, numbered from 0. Both zeros are one score, in a Map as in a comparison. */
function rankScores(pieces: readonly TablePiece[]): Map<number, number> {
  const scores = Float32Array.from(pieces, (piece) => piece.score);
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad !== -1) {
    throw new TokenizerModelError({
      code: "E_RANGE",
      field: `vocab[${pieces[bad]?.id}].score`,
      expected: "a finite number",
      got: String(scores[bad]),
      message: `a score of ${scores[bad]}`,
    });
  }
  const ranks = new Map<number, number>();
  for (const score of scores.sort().reverse()) if (!ranks.has(score)) ranks.set(score, ranks.size);
  return ranks;
}

function assertLimit(what: string, got: number, limit: number): void {
  if (got <= limit) return;
  const message = `${got} ${what}, at most ${limit} can be used`;
  throw new TokenizerModelError({ code: "E_LIMIT", field: "vocab", expected: `at most ${limit}`, got, message });
}
