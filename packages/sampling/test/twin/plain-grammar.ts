// The grammar machine as the description of llama.cpp puts it: a list of stacks, each a list of positions, top last. Slow twin
// of src/grammar/. Only duplicates are removed, which changes no result. Unlike there, stacks share nothing, and some grammars have
// exponentially many: the machine gives up on those.

import type { Grammar, GrammarElement } from "../../src/index.ts";

interface Position {
  readonly rule: number;
  readonly index: number;
}
type Stack = readonly Position[];

export interface PlainGrammarState {
  readonly stacks: readonly Stack[];
  readonly value: number;
  /** Bytes that the open character still needs; −1 after bytes that are not UTF-8. */
  readonly remaining: number;
}

/** Stacks at a time, those with rules on top included: one random grammar in a hundred has more before it has had eight tokens. */
const MAX_STACKS = 1000;

/** Thrown by all methods when a text can be read in too many ways. */
export class TooManyStacks extends Error {}

export function plainGrammar(grammar: Grammar) {
  const elementAt = ({ rule, index }: Position): GrammarElement => grammar.rules[rule]!.elements![index]!;
  const after = ({ rule, index }: Position): Position => ({ rule, index: index + 1 });
  const isEnd = (position: Position) => ["alt", "end"].includes(elementAt(position).kind);

  /** First position of each alternative of a rule. */
  const alternatives = (rule: number): Position[] => {
    const starts = [{ rule, index: 0 }];
    for (const [index, { kind }] of grammar.rules[rule]!.elements!.entries()) {
      if (kind === "alt") starts.push({ rule, index: index + 1 });
    }
    return starts;
  };

  /** Replaces rules on top of stacks by what they begin with. */
  const advance = (stacks: readonly Stack[]): Stack[] => {
    const seen = new Set<string>();
    const queue: Stack[] = [];
    const add = (stack: Stack): void => {
      const key = JSON.stringify(stack);
      if (seen.has(key)) return;
      if (queue.length === MAX_STACKS) throw new TooManyStacks();
      seen.add(key);
      queue.push(stack);
    };
    stacks.forEach(add);
    const isReady = (stack: Stack) => stack.length === 0 || elementAt(stack.at(-1)!).kind !== "ref";
    for (const stack of queue) {
      if (isReady(stack)) continue;
      const top = stack.at(-1)!;
      for (const start of alternatives(elementAt(top).value)) {
        const next = stack.slice(0, -1);
        if (!isEnd(after(top))) next.push(after(top));
        if (!isEnd(start)) next.push(start);
        add(next); // the loop goes on over it
      }
    }
    return queue.filter(isReady);
  };

  /** Members of the set at a position as ranges, and the position behind them. */
  const membersAt = (position: Position) => {
    const ranges: [number, number][] = [];
    let at = position;
    do {
      const { value } = elementAt(at);
      at = after(at);
      const isRange = elementAt(at).kind === "range-upper";
      ranges.push([value, isRange ? elementAt(at).value : value]);
      if (isRange) at = after(at);
    } while (elementAt(at).kind === "char-alt");
    return { ranges, behind: at };
  };

  const acceptCharacter = (stacks: readonly Stack[], codePoint: number): Stack[] =>
    advance(
      stacks.flatMap((stack) => {
        const top = stack.at(-1);
        if (top === undefined) return [];
        const { ranges, behind } = membersAt(top);
        const isMember = ranges.some(([low, high]) => low <= codePoint && codePoint <= high);
        if (isMember !== (elementAt(top).kind === "char")) return [];
        const next = stack.slice(0, -1);
        if (!isEnd(behind)) next.push(behind);
        return [next];
      }),
    );

  const matchesPartial = (stack: Stack, value: number, remaining: number): boolean => {
    const top = stack.at(-1);
    if (top === undefined || remaining < 0 || (remaining === 1 && value < 2)) return false;
    let low = value * 64 ** remaining;
    const high = low + 64 ** remaining - 1;
    if (low === 0 && remaining === 2) low = 0x800;
    if (low === 0 && remaining === 3) low = 0x10000;
    const isHit = membersAt(top).ranges.some(([first, last]) => first <= last && first <= high && low <= last);
    return isHit === (elementAt(top).kind === "char");
  };

  const decode = (bytes: Uint8Array, state: PlainGrammarState) => {
    const codePoints: number[] = [];
    let { value, remaining } = state;
    let i = 0;
    while (remaining > 0 && i < bytes.length) {
      if ((bytes[i]! & 0xc0) !== 0x80) return { codePoints: [], value: 0, remaining: -1 };
      value = value * 64 + (bytes[i++]! & 63);
      remaining--;
    }
    if (state.remaining > 0 && remaining === 0) codePoints.push(value);
    while (i < bytes.length) {
      const first = bytes[i++]!;
      if (first >= 0x80 && first < 0xc0) return { codePoints: [], value: 0, remaining: -1 };
      remaining = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      value = first & [0x7f, 0x3f, 0x1f, 0x0f][remaining]!;
      while (remaining > 0 && i < bytes.length) {
        value = value * 64 + (bytes[i++]! & 63);
        remaining--;
      }
      if (remaining === 0) codePoints.push(value);
    }
    return { codePoints, value, remaining };
  };

  /** A token's text up to the first NUL. */
  const textOf = (bytes: Uint8Array) => (bytes.includes(0) ? bytes.subarray(0, bytes.indexOf(0)) : bytes);

  const start: PlainGrammarState = {
    stacks: advance(
      alternatives(grammar.rules.findIndex(({ name }) => name === "root")).map((first) =>
        isEnd(first) ? [] : [first],
      ),
    ),
    value: 0,
    remaining: 0,
  };

  return {
    start,
    mayEnd: (state: PlainGrammarState): boolean => state.stacks.some((stack) => stack.length === 0),
    permits(state: PlainGrammarState, bytes: Uint8Array): boolean {
      const text = textOf(bytes);
      if (text.length === 0) return false;
      const { codePoints, value, remaining } = decode(text, state);
      if (remaining < 0) return false;
      const reached = codePoints.reduce(acceptCharacter, state.stacks);
      return reached.some((stack) => remaining === 0 || matchesPartial(stack, value, remaining));
    },
    accept(state: PlainGrammarState, bytes: Uint8Array): PlainGrammarState {
      const { codePoints, value, remaining } = decode(textOf(bytes), state);
      return { stacks: codePoints.reduce(acceptCharacter, state.stacks), value, remaining };
    },
  };
}
