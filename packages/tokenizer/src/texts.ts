// Many short texts in two arrays. An object for each would take more memory than what is in it, a hundred times in a short one.

import type { Budget } from "@ll/bytes";
import { TokenizerModelError } from "./errors.ts";
import { MAX_PIECES, MAX_VOCABULARY_BYTES } from "./limits.ts";

export interface Texts {
  readonly bytes: Uint8Array; // (total): all texts, in the order of their ids
  readonly starts: Uint32Array; // (nTexts + 1): the text of an id is bytes[starts[id], starts[id + 1])
}

/** A view of the bytes of one text. */
export function textOf({ bytes, starts }: Texts, id: number): Uint8Array {
  return bytes.subarray(starts[id], starts[id + 1]);
}

/** Takes texts byte by byte. */
export class TextsWriter {
  readonly #bytes: Uint8Array; // (maxBytes), the first `#length` in use
  readonly #starts: Uint32Array; // (nTexts + 1)
  readonly #budget: Budget | undefined;
  #length = 0;
  #nTexts = 0;

  /**
   * @param maxBytes of all texts together; fewer may come
   * @throws TokenizerModelError `E_LIMIT`
   */
  constructor(nTexts: number, maxBytes: number, budget?: Budget) {
    assertLimit("vocabulary entries", nTexts, MAX_PIECES);
    budget?.takeBytes(maxBytes + 4 * (nTexts + 1), "pieces");
    this.#bytes = new Uint8Array(maxBytes);
    this.#starts = new Uint32Array(nTexts + 1);
    this.#budget = budget;
  }

  byte(byte: number): void {
    this.#bytes[this.#length++] = byte;
  }

  bytes(bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#length++] = bytes[i] as number;
  }

  /** What comes next belongs to the next text. */
  endText(): void {
    this.#starts[++this.#nTexts] = this.#length;
  }

  /**
   * The texts, in no more memory than they need.
   * @throws TokenizerModelError `E_LIMIT`
   */
  finish(): Texts {
    assertLimit("bytes of vocabulary texts", this.#length, MAX_VOCABULARY_BYTES);
    const isFull = this.#length === this.#bytes.length;
    if (!isFull) {
      this.#budget?.takeBytes(this.#length, "pieces");
      this.#budget?.releaseBytes(this.#bytes.length);
    }
    return { bytes: isFull ? this.#bytes : this.#bytes.slice(0, this.#length), starts: this.#starts };
  }
}

function assertLimit(what: string, got: number, limit: number): void {
  if (got <= limit) return;
  const message = `${got} ${what}, at most ${limit} can be used`;
  throw new TokenizerModelError({ code: "E_LIMIT", field: "vocab", expected: `at most ${limit}`, got, message });
}
