// A vocabulary of today's models, whatever file it was in.

import type { PreTokenizer } from "./byte-level/pretokenizers.ts";
import type { SpecialIds } from "./special-ids.ts";
import type { Texts } from "./texts.ts";

export interface VocabularyFields {
  readonly tokens: string;
  readonly merges: string;
}

export const GGUF_FIELDS: VocabularyFields = { tokens: "tokenizer.ggml.tokens", merges: "tokenizer.ggml.merges" };

export interface Vocabulary {
  /** Shown in errors. */
  readonly file: string | undefined;
  /** What the file calls its tokens and merges; shown too. Absent: as GGUF files do. */
  readonly fields?: VocabularyFields;
  /**
   * "bytes": merges of texts in the alphabet of bytes (GPT-2's kind). "characters": merges of plain texts, with `<0x0A>` for bytes.
   * "scores": SentencePiece.
   */
  readonly kind: "bytes" | "characters" | "scores";
  /** As in the file; index = id. */
  readonly tokens: Texts;
  /** Values of `TYPE`. */
  readonly types: Uint8Array; // (nTokens)
  /** Of "scores". */
  readonly scores: Float32Array | undefined; // (nTokens)
  /** `left right` each; of the other kinds. */
  readonly merges: Texts | undefined;
  readonly pre: PreTokenizer | undefined;
  readonly ignoreMerges: boolean;
  /** As the file gives them, with the defaults of its kind. */
  readonly ids: SpecialIds;
  /** Further ids that end a text. */
  readonly ends?: readonly number[];
  readonly addBos: boolean;
  readonly addEos?: boolean | undefined;
  readonly addSpacePrefix: boolean;
  readonly cleanSpaces: boolean;
  /** Spaces become U+2581 in front of everything. */
  readonly escapesSpaces: boolean;
  /** Normalization form C in front of everything. */
  readonly compose: boolean;
  /** How tokens are cut out of texts, where it is not plainly: bits of `CUT`. */
  readonly cuts?: Uint8Array; // (nTokens)
  /** What the file lacks, or what may give worse text. */
  readonly warnings: readonly string[];
}
