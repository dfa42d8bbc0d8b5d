// What a tokenizer.model says, once it has been read.

export type PieceType = "normal" | "unknown" | "control" | "user-defined" | "unused" | "byte";

/** One entry of the vocabulary; its id is its position. */
export interface SentencePiece {
  /** As in the file: U+2581 stands for a space, `<0x0A>` for a byte. */
  readonly text: string;
  /** A binary32 value; a zero keeps its sign. */
  readonly score: number;
  readonly type: PieceType;
}

/** What SentencePiece does to a text before it looks for pieces. */
export interface NormalizerOptions {
  /** Put one space in front of a text that is not empty. */
  readonly addDummyPrefix: boolean;
  /** Strip spaces at both ends, and make one of several. */
  readonly removeExtraWhitespaces: boolean;
  /** Write spaces as U+2581. */
  readonly escapeWhitespaces: boolean;
}

/** How the model was trained, as far as it matters for using it. */
export interface TrainerFacts {
  readonly modelType: "bpe";
  /** Number of pieces; undefined if the file does not say. */
  readonly vocabSize: number | undefined;
  readonly unkId: number;
  /** -1 if the model has none. */
  readonly bosId: number;
  /** -1 if the model has none. */
  readonly eosId: number;
}

export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  readonly normalizer: NormalizerOptions;
  /** undefined if the file has no trainer section. */
  readonly trainer: TrainerFacts | undefined;
}
