// How much work is done between two moments at which an evaluation can be left or interrupted.

/** Work that may be left or interrupted at each yield. A caller that wants that behind the last piece, too, does it there. */
export type Pieces = Generator<"piece", void, void>;

/**
 * Products of weights and activations in a piece: about a millisecond, and few enough rows to stay in the L2 cache while the
 * tiles of a slice of tokens take their turns.
 */
export const MATRIX_PIECE_PRODUCTS: number = 2 ** 26;

/** Products of queries with keys, and of probabilities with values, in a piece. */
export const ATTENTION_PIECE_PRODUCTS: number = 2 ** 23;
