// What a file may declare at most. A limit is reached before anything is allocated for what it counts. Together they keep
// the memory for opening a hostile file under twice the header bytes that are really present, plus 1 MiB.

/** Vocabulary entries. LLaMA has 32,000; a million is also the limit for a `tokenizer.model`. */
export const MAX_VOCAB = 1_000_000;

/** Bytes of one vocabulary text. The longest of LLaMA's has 27. */
export const MAX_TOKEN_BYTES: number = 64 * 1024;

/** Bytes of the whole vocabulary section, which is held in memory. LLaMA's has 432,574. */
export const MAX_VOCAB_BYTES: number = 64 * 1024 * 1024;

/** Bytes of a tensor name. The longest of LLaMA's has 32. */
export const MAX_NAME_BYTES = 255;

/** Tensors. LLaMA 65B has 723. A directory entry takes about 300 bytes of memory and as few as 17 in the file. */
export const MAX_TENSORS = 4096;

/** Transformer layers that fit into `MAX_TENSORS`: three tensors, and nine a layer. LLaMA 65B has 80. */
export const MAX_LAYERS = 454;

/** Bytes fetched at a time from header and vocabulary. */
export const HEADER_CHUNK_BYTES: number = 64 * 1024;

/** Bytes fetched for one directory entry, which has at most 306; a page, since less costs the same. */
export const RECORD_CHUNK_BYTES = 4096;
