// The tokens of a vocabulary as they come, in any order.

import { failField } from "./errors.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";
import { TYPE } from "./pieces.ts";
import type { Texts } from "./texts.ts";

/** Score of tokens that were added; no merge makes them. */
export const ADDED_SCORE = -1000;
/** Tokens by id; those that never come are fillers. */
export class TokenTable {
  readonly #texts: (Uint8Array | undefined)[];
  readonly #types: Uint8Array; // (n)
  readonly #scores: Float32Array; // (n)
  readonly #file: string;

  constructor(n: number, file: string) {
    if (n < 1 || n > MAX_PIECES) failField("E_LIMIT", "config.json", "vocab_size", `1 to ${MAX_PIECES}`, n);
    this.#texts = new Array<Uint8Array | undefined>(n).fill(undefined);
    this.#types = new Uint8Array(n).fill(TYPE.unused);
    this.#scores = new Float32Array(n);
    this.#file = file;
  }

  set(id: number, text: Uint8Array, type: number, score: number): void {
    const n = this.#texts.length;
    if (!Number.isInteger(id) || id < 0 || id >= n) {
      failField("E_RANGE", this.#file, `token ${id}`, `an id below ${n}, the vocab_size of config.json`, id);
    }
    this.#texts[id] = text;
    this.#types[id] = type;
    this.#scores[id] = score;
  }

  finish(fillerScore: number = ADDED_SCORE): { tokens: Texts; types: Uint8Array; scores: Float32Array } {
    const encoder = new TextEncoder();
    const texts = this.#texts.map((text, id) => {
      if (text === undefined) this.#scores[id] = fillerScore;
      return text ?? encoder.encode(`[PAD${id}]`);
    });
    const total = texts.reduce((sum, { length }) => sum + length, 0);
    if (total > MAX_VOCABULARY_BYTES) {
      failField("E_LIMIT", this.#file, "tokens", `at most ${MAX_VOCABULARY_BYTES} bytes`, total);
    }
    const bytes = new Uint8Array(total);
    const starts = new Uint32Array(texts.length + 1);
    let length = 0;
    for (const [id, text] of texts.entries()) {
      bytes.set(text, length);
      length += text.length;
      starts[id + 1] = length;
    }
    return { tokens: { bytes, starts }, types: this.#types, scores: this.#scores };
  }
}
