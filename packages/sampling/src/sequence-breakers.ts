// Sequence breakers of DRY: from the texts that a user writes to sequences of ids (llama.cpp pull request 9702).

/** What llama.cpp uses unless told otherwise: DRY does not look across these. */
export const DRY_SEQUENCE_BREAKERS: readonly string[] = ["\n", ":", '"', "*"];

/** The vocabulary that breakers are spelled in. A `Tokenizer` of @ll/tokenizer fits. */
export interface BreakerVocabulary {
  readonly nVocab: number;
  /** The bytes of one id. */
  tokenBytes(id: number): Uint8Array;
  /** Ids of a text, nothing added. */
  encode(text: Uint8Array): ArrayLike<number>;
}

const MAX_BREAKER_BYTES = 40; // limits of llama.cpp: what is longer is cut
const MAX_TAIL_TOKENS = 20;

/**
 * The sequences of ids for `breakers` of a DRY stage. A text can stand in the middle of a token or lie across several, so each
 * text gives the ids of all tokens that contain it, and for every other token that ends in a beginning of the text a sequence:
 * the token, then the encoded rest. Empty texts are passed over.
 */
export function sequenceBreakers(texts: Iterable<string>, vocabulary: BreakerVocabulary): number[][] {
  const sequences = new Map<string, number[]>(); // by its own text, so that none is there twice
  const tokens = Array.from({ length: vocabulary.nVocab }, (_, id) => vocabulary.tokenBytes(id));
  for (const text of texts) {
    const breaker = new TextEncoder().encode(text).subarray(0, MAX_BREAKER_BYTES);
    if (breaker.length === 0) continue;
    // by the number of bytes that are in the token already
    const rests = Array.from(breaker, (_, start) =>
      Array.from(vocabulary.encode(breaker.subarray(start))).slice(0, MAX_TAIL_TOKENS),
    );
    for (const [id, token] of tokens.entries()) {
      const isWhole = token.some((_, start) => sharedBytes(token, start, breaker) === breaker.length);
      const found = isWhole ? [[id]] : beginningsAtEnd(token, breaker).map((shared) => [id, ...rests[shared]!]);
      for (const sequence of found) sequences.set(sequence.join(" "), sequence);
    }
  }
  return [...sequences.values()];
}

/** Lengths of the beginnings of `breaker` that `token` ends in. */
function beginningsAtEnd(token: Uint8Array, breaker: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let start = Math.max(0, token.length - breaker.length); start < token.length; start++) {
    if (sharedBytes(token, start, breaker) === token.length - start) lengths.push(token.length - start);
  }
  return lengths;
}

/** How many bytes of `token` from `start` on are those that `breaker` begins with. */
function sharedBytes(token: Uint8Array, start: number, breaker: Uint8Array): number {
  let shared = 0;
  while (shared < breaker.length && start + shared < token.length && token[start + shared] === breaker[shared])
    shared++;
  return shared;
}
