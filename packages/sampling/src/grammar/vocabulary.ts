// The texts of a vocabulary as grammars look at them: decoded once, for all grammars that it is used with.

import { checkInteger } from "../guards.ts";
import { decodeToken, isContinuation, NO_PARTIAL, type PartialCharacter } from "./utf8.ts";

export interface GrammarVocabularyOptions {
  /** Number of ids; that of the sampler. */
  readonly nVocab: number;
  /** The bytes that an id stands for; all are read once. From a NUL on they are ignored, as in C. */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Ids that end the text, each permitted where the grammar may end and nowhere else; their bytes are not read. */
  readonly endIds: Iterable<number>;
}

/** Made once for a vocabulary, and used by any number of stages: reading 150,000 texts takes longer than making the rest of one. */
export interface GrammarVocabulary {
  readonly nVocab: number;
  readonly endIds: ReadonlySet<number>;
  /** Bytes of all ids, one after the other; those of an id begin at its `textStarts`. */
  readonly bytes: Uint8Array;
  readonly textStarts: Int32Array; // (nVocab + 1)
  /** Ids whose texts are UTF-8, perhaps with a last character that is not whole. */
  readonly ids: Int32Array; // (nTexts)
  /** Whole characters of `ids[i]`: from `starts[i]` to `starts[i + 1]`. */
  readonly codePoints: Uint32Array;
  readonly starts: Int32Array; // (nTexts + 1)
  /** Of texts that end within a character: what there is of it, by index into `ids`. */
  readonly partials: ReadonlyMap<number, PartialCharacter>;
  /** Ids whose first byte continues a character: all that can follow an open one. */
  readonly continuing: Int32Array;
}

/** @throws RangeError for options that cannot be meant */
export function createGrammarVocabulary(options: GrammarVocabularyOptions): GrammarVocabulary {
  const nVocab = checkInteger("nVocab", options.nVocab, 1, 2 ** 31 - 1);
  const endIds = new Set([...options.endIds].map((id) => checkInteger("endIds", id, 0, nVocab - 1)));
  const bytes = createList(Uint8Array, nVocab);
  const textStarts = new Int32Array(nVocab + 1);
  const ids: number[] = [];
  const codePoints = createList(Uint32Array, nVocab);
  const starts = [0];
  const partials = new Map<number, PartialCharacter>();
  const continuing: number[] = [];
  for (let id = 0; id < nVocab; id++) {
    const text = endIds.has(id) ? NO_TEXT : untilNul(options.tokenBytes(id));
    bytes.append(text);
    textStarts[id + 1] = bytes.length;
    if (text.length === 0) continue;
    if (isContinuation(text[0]!)) continuing.push(id);
    const decoded = decodeToken(text, NO_PARTIAL);
    if (decoded === undefined) continue;
    if (decoded.partial.remaining > 0) partials.set(ids.length, decoded.partial);
    ids.push(id);
    codePoints.append(decoded.codePoints);
    starts.push(codePoints.length);
  }
  return {
    ...{ nVocab, endIds, textStarts, partials },
    ...{ bytes: bytes.values(), codePoints: codePoints.values() },
    ...{ ids: Int32Array.from(ids), starts: Int32Array.from(starts), continuing: Int32Array.from(continuing) },
  };
}

/** The bytes of an id; a view. */
export function textOf({ bytes, textStarts }: GrammarVocabulary, id: number): Uint8Array {
  return bytes.subarray(textStarts[id], textStarts[id + 1]);
}

const NO_TEXT = new Uint8Array(0);

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Numbers that grow in a typed array. */
function createList<T extends Uint8Array | Uint32Array>(type: new (length: number) => T, capacity: number) {
  let list = new type(capacity);
  let length = 0;
  return {
    get length() {
      return length;
    },
    append(values: ArrayLike<number>): void {
      if (length + values.length > list.length) {
        const larger = new type(2 * (length + values.length));
        larger.set(list);
        list = larger;
      }
      list.set(values, length);
      length += values.length;
    },
    values: (): T => list.slice(0, length) as T,
  };
}
