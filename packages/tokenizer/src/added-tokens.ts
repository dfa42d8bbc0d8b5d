// The added tokens of a tokenizer.json, of which a file may have half a million: they are read into arrays, without a value for each.

import type { Budget } from "@ll/bytes";
import type { JsonScanner, Span } from "./json-scanner.ts";
import { MAX_PIECES } from "./limits.ts";
import { CUT, hasAt } from "./special-matcher.ts";
import { NONE } from "./text-index.ts";
import type { Texts } from "./texts.ts";

const BRACE = 0x7b;
const QUOTE = 0x22;
/** No value begins with it but `true`. */
const LETTER_T = 0x74;

/** In the order of the file. */
export interface AddedTokens {
  readonly texts: Texts;
  readonly ids: Int32Array; // (nAdded)
  /** 1 for those that the file marks as special. */
  readonly isSpecial: Uint8Array; // (nAdded)
  /** Bits of `CUT`. */
  readonly cuts: Uint8Array; // (nAdded)
}

/** Bytes of memory that these take. */
export function addedTokenBytes(nAdded: number, textBytes: number): number {
  return textBytes + 10 * nAdded + 4;
}

/** Control tokens that files mark as ordinary ones. */
const CONTROL_TEXT = /^(?:<\|.*\|>|<｜.*｜>|<unused\d+>|<pad>|<mask>|<2mass>|\[@BOS@\])$/s;

/** Bytes of the longest text that is looked at for it. */
const MAX_CONTROL_BYTES = 600;

/** Members of a token that mean something, in the order of `MEMBER`. */
const MEMBERS: readonly string[] = ["id", "content", "special", "lstrip", "rstrip", "single_word"];
const MEMBER = { id: 0, content: 1, special: 2, lstrip: 3, rstrip: 4, singleWord: 5 } as const;

/** Whether it is a control token by its text, whatever the file says of it. */
export function looksSpecial(text: Uint8Array): boolean {
  const isBracket = text[0] === 0x3c || text[0] === 0x5b; // no other text is decoded
  return isBracket && text.length <= MAX_CONTROL_BYTES && CONTROL_TEXT.test(new TextDecoder().decode(text));
}

/**
 * @param span of the list; undefined or null: there are none
 * @param budget charged for the arrays, which stay
 * @throws TokenizerModelError `E_FIELD` for what is no list of ids and texts; as `JsonScanner`
 */
export function readAddedTokens(scanner: JsonScanner, span: Span | undefined, budget: Budget): AddedTokens {
  const first = span === undefined ? "n" : String.fromCharCode(scanner.bytes[span.start] as number);
  if (first !== "[" && first !== "n") {
    throw scanner.error("E_FIELD", "added_tokens", "an array", "something else", span?.start);
  }
  const { start, end } = span !== undefined && first === "[" ? span : { start: 0, end: 0 };
  const fail = (i: number): Error =>
    scanner.error("E_FIELD", `added_tokens[${i}]`, `an id below ${MAX_PIECES} and a text`, "something else");
  /** Calls `take` with each member of each token; it must move past the value, which begins at the place of the scanner. */
  const each = (begin: (i: number) => void, take: (member: number, i: number) => void): void => {
    scanner.at = start;
    if (end === start) return;
    scanner.array((i) => {
      begin(i);
      scanner.space();
      if (scanner.bytes[scanner.at] !== BRACE) throw fail(i);
      scanner.objectOf(MEMBERS, (member) => {
        scanner.space();
        take(member, i);
      });
    });
  };

  let nAdded = 0;
  let room = 0;
  each(
    () => nAdded++,
    (member, i) => {
      if (member !== MEMBER.content) scanner.skip();
      else if (scanner.bytes[scanner.at] === QUOTE) room += scanner.skipText();
      else throw fail(i);
    },
  );
  if (nAdded > MAX_PIECES) throw scanner.error("E_LIMIT", "added_tokens", `at most ${MAX_PIECES}`, nAdded, start);
  budget.takeBytes(addedTokenBytes(nAdded, room), "added_tokens", start);
  const bytes = new Uint8Array(room);
  const starts = new Uint32Array(nAdded + 1);
  const ids = new Int32Array(nAdded).fill(NONE);
  const isSpecial = new Uint8Array(nAdded);
  const cuts = new Uint8Array(nAdded);
  let hasText = true; // of the token before
  const isComplete = (i: number): boolean => i < 0 || (hasText && ids[i] !== NONE);
  each(
    (i) => {
      if (!isComplete(i - 1)) throw fail(i - 1);
      hasText = false;
    },
    (member, i) => {
      if (member === MEMBER.content) {
        starts[i + 1] = scanner.writeText(bytes, starts[i] as number);
        hasText = true;
      } else if (member === MEMBER.id) {
        const id = scanner.integer(`added_tokens[${i}].id`);
        if (id >= MAX_PIECES) throw fail(i);
        ids[i] = id;
      } else {
        const isTrue = scanner.bytes[scanner.skip().start] === LETTER_T;
        if (member === MEMBER.special) isSpecial[i] = isTrue ? 1 : 0;
        else if (member === MEMBER.lstrip) setCut(i, CUT.stripsLeft, isTrue);
        else if (member === MEMBER.rstrip) setCut(i, CUT.stripsRight, isTrue);
        else if (member === MEMBER.singleWord) setCut(i, CUT.isWord, isTrue);
      }
    },
  );
  if (!isComplete(nAdded - 1)) throw fail(nAdded - 1);
  return { texts: { bytes, starts }, ids, isSpecial, cuts };

  function setCut(i: number, bit: number, isTrue: boolean): void {
    cuts[i] = isTrue ? (cuts[i] as number) | bit : (cuts[i] as number) & ~bit;
  }
}

/** The id of the token with this text, the last one of several; undefined if there is none. */
export function addedId({ texts, ids }: AddedTokens, text: string): number | undefined {
  const sought = new TextEncoder().encode(text);
  for (let i = ids.length - 1; i >= 0; i--) {
    const start = texts.starts[i] as number;
    if ((texts.starts[i + 1] as number) - start === sought.length && hasAt(texts.bytes, start, sought)) return ids[i];
  }
  return undefined;
}
