// What a checkpoint may ask for, each limit with its reason.

/** A safetensors header; the reference library has the same limit. */
export const SAFETENSORS_HEADER_BYTES = 100_000_000;

/** `__metadata__` of a safetensors file; trainers store notes there, never weights. */
export const METADATA_BYTES = 10_000_000;

/** config.json, params.json and index files; the largest real index (several hundred shards) is about 2 MB. */
export const CONFIG_BYTES = 10_000_000;

/** Values in such a file that is kept as a whole, up to 200 bytes of memory each; the largest real ones have 100,000. */
export const CONFIG_VALUES = 400_000;

/** Nesting of a safetensors header; the format itself needs 3. */
export const HEADER_DEPTH = 8;

/** Nesting of the other JSON files. */
export const CONFIG_DEPTH = 64;

/** Tensors in one file; a 70B model has 723. One takes up to 600 bytes of memory. */
export const TENSORS = 100_000;

/** Dimensions of one tensor; LLaMA needs 2. */
export const RANK = 8;

/** Name of a tensor in UTF-8, the limit of ggjt files. */
export const NAME_BYTES = 255;

/** Files of one model; the largest public ones have about 200. */
export const SHARDS = 10_000;

/** Transformer layers; the largest LLaMA has 126. */
export const LAYERS = 1000;

/** A pickle, read whole before it is parsed; that of a 70B model is below 200 KB. */
export const PICKLE_BYTES: number = 64 * 1024 * 1024;
export const PICKLE_OPCODES = 1_000_000;
export const PICKLE_STACK = 10_000;
export const PICKLE_MEMO = 100_000;

/** Containers and tensors in a pickle: one takes a byte of it and up to 300 bytes of memory. A tensor needs 8, and no archive has more than 10,000. */
export const PICKLE_CONTAINERS = 200_000;

/** Nesting of the values in a pickle; a state dict needs 4. */
export const PICKLE_DEPTH = 64;

/** Values in a pickle, shared ones counted each time they are reachable: repeated doubling passes it at once. */
export const PICKLE_VALUES = 10_000_000;

/** Members of a zip archive: one per tensor and a few more; each costs two small reads. */
export const ZIP_ENTRIES = 10_000;

/** Name of a member of a zip archive. */
export const ZIP_NAME_BYTES = 1024;

/** Elements that a tensor may have beyond those of its storage (an expanded tensor, stride 0). */
export const EXPANDED_ELEMENTS: number = 2 ** 20;

/** One row of a tensor that is rearranged while it is read; the widest rows of a 70B model have 28,672 × 4 bytes. */
export const ROW_BYTES: number = 64 * 1024 * 1024;

/** Bytes that a tensor converts or rearranges at a time. */
export const PIECE_BYTES: number = 4 * 1024 * 1024;

/** A file about the vocabulary, which is read whole; the largest known tokenizer.json has 33 MB. */
export const TOKENIZER_BYTES: number = 128 * 1024 * 1024;

/** A chat template, and how many are read besides the first; the longest known one has 30 KB. */
export const TEMPLATE_BYTES: number = 1024 * 1024;
export const TEMPLATES = 32;
