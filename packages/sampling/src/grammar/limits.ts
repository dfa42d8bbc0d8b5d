// Every limit of the grammar code, with its reason.

/** Bytes of a grammar. A parsed element takes some tens of bytes, so this bounds memory; grammars of whole languages have 10 KiB. */
export const MAX_GRAMMAR_BYTES: number = 2 ** 20;

/** Parentheses within parentheses: the parser calls itself for each. */
export const MAX_NESTING: number = 200;

/** Rules made for `{m,n}` in a grammar: ten bytes can ask for sixty. */
export const MAX_COUNTED_RULES: number = 100_000;

/** The largest number in `{m,n}`, a signed 32-bit one. */
export const MAX_COUNT: number = 2 ** 31 - 1;

/** Bytes of a name: each group and repetition of a rule carries its name on, and a listing writes all of them out. */
export const MAX_NAME_BYTES: number = 256;

/**
 * Tops of stacks made or compared for one token. JSON needs some thousands for the first token of a kind and none when a state comes back;
 * a grammar made to be ambiguous is stopped here, after a part of a second.
 */
export const MAX_TOKEN_WORK: number = 1_000_000;

/** Tops in all sets of stacks that are remembered to be shared: some tens of MiB. Depth makes new ones without end. */
export const MAX_KEPT_TOPS: number = 1_000_000;

/** States whose permitted ids are remembered: 4 KiB each for 32,000 ids. */
export const MAX_KEPT_MASKS: number = 512;

/** Rules made of a JSON schema: an object in memory may contain itself. */
export const MAX_SCHEMA_RULES: number = 10_000;

/** Letters of a place in a schema: each rule keeps its own. Six levels of `properties` and names take a hundred. */
export const MAX_POINTER_LENGTH: number = 4096;
