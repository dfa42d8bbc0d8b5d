// What a file may declare at most. A limit is reached before anything is allocated for what it counts. Together they keep the
// memory for opening a hostile file under twice the header bytes that are really present, plus 1 MiB.

/** Key-value pairs. Files have 20 to 60; an entry takes about 250 bytes of memory and as few as 14 in the file. */
export const MAX_METADATA = 1024;

/** Bytes of a key: the specification's own limit. */
export const MAX_KEY_BYTES = 65_535;

/** Bytes of a text that is a value of its own. The longest known ones are whole tokenizer.json files, of some 20 MB. */
export const MAX_TEXT_BYTES: number = 64 * 1024 * 1024;

/** Texts of an array when it is read: each becomes an object. Vocabularies have up to 262,144, lists of merges twice as many. */
export const MAX_TEXTS = 2_000_000;

/** Numbers or truth values of an array that is held when a file is opened: a model may have one for each layer. */
export const MAX_HELD_ITEMS = 512;

/** Arrays inside arrays. The specification sets no limit, llama.cpp reads none at all. */
export const MAX_DEPTH = 4;

/** Tensors of one file. The largest models have some 2,000; an entry takes about 400 bytes of memory and as few as 25 in the file. */
export const MAX_TENSORS = 4096;

/** Bytes of a tensor name: the specification's own limit. */
export const MAX_NAME_BYTES = 64;

/** Dimensions of a tensor: the limit of ggml. */
export const MAX_DIMS = 4;

/** Largest alignment. Files have 32; memory pages of today's machines are up to 64 KiB, some up to 2 MiB. */
export const MAX_ALIGNMENT: number = 2 * 1024 * 1024;

/** Files of one set: the number has five digits in their names, but 16 bits in the files. */
export const MAX_SPLITS = 1024;

/** Bytes fetched at first, and at most, from a header. They grow with the header, so that no more than half is fetched in vain. */
export const HEADER_CHUNK_BYTES: number = 256 * 1024;
export const MAX_HEADER_CHUNK_BYTES: number = 4 * 1024 * 1024;
