// Every limit of the package, with its reason.

/** Pieces of a vocabulary. The largest published ones have about 256,000. */
export const MAX_PIECES: number = 1_000_000;

/** Bytes of one piece in a tokenizer.model: the limit of SentencePiece itself (0.2). */
export const MAX_PIECE_BYTES: number = 7_999;

/** Bytes of one user-defined piece: at each place of a text, so many may have to be compared. Known ones have at most 192. */
export const MAX_USER_DEFINED_BYTES: number = 512;

/** Bytes of all texts of a vocabulary together, where some 16 belong to each of `MAX_PIECES`. LLaMA's are 0.2 MiB. */
export const MAX_VOCABULARY_BYTES: number = 2 ** 24 - 1;

/** Bytes of one text: its ids, at most one per byte and one for BOS, are counted in 31 bits. */
export const MAX_TEXT_BYTES: number = 2 ** 31 - 2;
