// DRY, "don't repeat yourself" (p-e-w, text-generation-webui pull request 5677; with breakers of several tokens by pi6am,
// koboldcpp pull request 982; llama.cpp pull request 9702): makes a token less likely if it would prolong a sequence that
// stood in the text before, the more so the longer the sequence.

import { findCandidate } from "../candidates.ts";
import { checkInteger, checkNumber, isId } from "../guards.ts";
import { logf } from "../libm.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface DryStage {
  readonly kind: "dry";
  /** Penalty of a repetition that is just too long; 0 is off, 0.8 is common. */
  readonly multiplier: number;
  /** Growth of the penalty per token; below 1 is off, 1.75 is common. */
  readonly base: number;
  /** Length of the sequence, without the token to come, from which on it counts as a repetition. */
  readonly allowedLength: number;
  /** How many of the last tokens count: 0 none (the stage is off), negative all that the caller gives. */
  readonly lastN: number;
  /** Sequences of ids that no repetition reaches across; see `sequenceBreakers`. None if not given. */
  readonly breakers?: Iterable<ArrayLike<number>> | undefined;
}

/**
 * Let t be the last `lastN` tokens and n their number. The repetition that token t[j + 1] would prolong has the length L: how many
 * tokens before t[j + 1] equal the tokens at the end of t, but not more than stand behind the breaker that begins last in t (the
 * longest, if several begin there). For each id take the largest L of its occurrences; if L ≥ `allowedLength`, and the id alone
 * is not a breaker, its logit loses fl32(multiplier · base^(L − allowedLength)). The exponent stops growing where the power
 * would exceed binary32. Zeros that pad a history are tokens like others.
 */
export function dry(stage: DryStage, nVocab: number): ApplyStage {
  const multiplier = checkNumber("dry: multiplier", stage.multiplier, "a number (0: off)");
  const base = checkNumber("dry: base", stage.base, "n >= 1 (or n < 1: off)");
  const allowedLength = checkInteger("dry: allowedLength", stage.allowedLength, 0, 2 ** 31 - 1);
  const lastN = checkInteger("dry: lastN", stage.lastN, -(2 ** 31), 2 ** 31 - 1);
  const breakers = breakersByHead(stage.breakers ?? [], nVocab);
  if (multiplier === 0 || base < 1 || lastN === 0) return OFF;
  const maxExponent = base > NEARLY_ONE ? Math.trunc(Math.fround(FLT_MAX_LOG / logf(base))) : Number.POSITIVE_INFINITY;
  const longest = new Int32Array(nVocab); // (nVocab): 1 + the largest L of an id; all zero between calls
  let lengths = new Int32Array(0); // (at least n): by distance from the end

  return (candidates, { lastTokens }) => {
    const n = lastN < 0 ? lastTokens.length : Math.min(lastN, lastTokens.length);
    const limit = tokensBehindBreaker(lastTokens, n, breakers);
    if (n <= allowedLength || limit < allowedLength) return;
    if (lengths.length < n) lengths = new Int32Array(n);
    measureRepeats(lastTokens, n, lengths);

    const end = lastTokens.length - 1;
    for (let distance = 1; distance < n; distance++) {
      const length = Math.min(lengths[distance]!, limit);
      const id = lastTokens[end - distance + 1]!;
      if (length < allowedLength || !isId(id, nVocab)) continue;
      if (longest[id]! <= length) longest[id] = length + 1;
    }

    const { logits } = candidates;
    for (let distance = 0; distance < n - 1; distance++) {
      const id = lastTokens[end - distance]!;
      if (!isId(id, nVocab) || longest[id] === 0) continue;
      const exponent = Math.min(longest[id]! - 1 - allowedLength, maxExponent);
      longest[id] = 0;
      const index = isBreaker(breakers, id) ? -1 : findCandidate(candidates, id);
      if (index >= 0) logits[index] = logits[index]! - Math.fround(multiplier * power(base, exponent));
    }
    candidates.sorted = false;
  };
}

const FLT_MAX_LOG = Math.fround(88.7228391); // e^this is the largest binary32, as llama.cpp writes it
const NEARLY_ONE = Math.fround(1.000001); // up to here no power that a context can ask for overflows

/** Rests of the breakers by their first id. */
type Breakers = ReadonlyMap<number, readonly (readonly number[])[]>;

function breakersByHead(breakers: Iterable<ArrayLike<number>>, nVocab: number): Breakers {
  const byHead = new Map<number, number[][]>();
  for (const breaker of breakers) {
    const ids = Array.from(breaker, (id) => checkInteger("dry: breakers", id, 0, nVocab - 1));
    const [head, ...tail] = ids;
    if (head === undefined) throw new RangeError(`"dry: breakers" expected sequences of at least one id, got none`);
    const tails = byHead.get(head);
    if (tails === undefined) byHead.set(head, [tail]);
    else tails.push(tail);
  }
  return byHead;
}

function isBreaker(breakers: Breakers, id: number): boolean {
  return breakers.get(id)?.some((tail) => tail.length === 0) ?? false;
}

/** How many of the last `n` tokens stand behind the breaker that begins last among them; `n` if there is none. */
function tokensBehindBreaker(tokens: ArrayLike<number>, n: number, breakers: Breakers): number {
  if (breakers.size === 0) return n;
  for (let distance = 0; distance < n; distance++) {
    const start = tokens.length - 1 - distance;
    let longestTail = -1;
    for (const tail of breakers.get(tokens[start]!) ?? []) {
      const fits = tail.length > longestTail && tail.length <= distance;
      if (fits && tail.every((id, i) => tokens[start + 1 + i] === id)) longestTail = tail.length;
    }
    if (longestTail >= 0) return distance - longestTail;
  }
  return n;
}

/**
 * Sets lengths[d], 0 < d < n, to the number of tokens that the last `n` tokens and the last n − d … of them without their last d
 * have in common at the end. The Z algorithm (Gusfield 1997) run backwards: each token is compared successfully once.
 */
function measureRepeats(tokens: ArrayLike<number>, n: number, lengths: Int32Array): void {
  const end = tokens.length - 1;
  let left = 0; // the match that reaches farthest back covers distances left … right − 1
  let right = 0;
  for (let d = 1; d < n; d++) {
    let length = d < right ? Math.min(right - d, lengths[d - left]!) : 0;
    while (d + length < n && tokens[end - length] === tokens[end - d - length]) length++;
    lengths[d] = length;
    if (d + length > right) {
      left = d;
      right = d + length;
    }
  }
}

/** base^exponent by repeated squaring in double precision: unlike Math.pow the same in every engine. */
function power(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
