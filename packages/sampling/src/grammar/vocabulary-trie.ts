// The vocabulary as a tree of character classes: what a grammar says about a beginning holds for all tokens that begin so, and
// tokens whose characters the grammar does not tell apart lie together. One walk over it finds all permitted ids.

import { type Automaton, isDead } from "./automaton.ts";
import type { StackSet } from "./stack-sets.ts";
import { decodeToken, isContinuation, NO_PARTIAL, type PartialCharacter } from "./utf8.ts";

export interface VocabularyTrie {
  /** Calls `permit` with every id whose text can follow in `state`, where `partial` is still open. @throws GrammarError E_LIMIT */
  forEachPermitted(state: StackSet, partial: PartialCharacter, permit: (id: number) => void): void;
}

/** `texts` are the bytes by id; ids without text are never permitted. */
export function createVocabularyTrie(texts: readonly Uint8Array[], automaton: Automaton): VocabularyTrie {
  const { nClasses } = automaton;
  const parents = [-1]; // by node; node 0 is the empty beginning
  const classes = [-1]; // by node: the class that leads to it from its parent
  const nodes = new Map<number, number>(); // by parent · nClasses + class
  const ends: number[] = []; // node where each of `whole` ends
  const whole: number[] = []; // ids of tokens that end with a character
  const open: { readonly id: number; readonly end: number; readonly partial: PartialCharacter }[] = []; // and within one
  const continuing: number[] = []; // ids whose first byte continues a character: all that can follow an open one

  for (const [id, text] of texts.entries()) {
    if (text.length === 0) continue;
    if (isContinuation(text[0]!)) continuing.push(id);
    const decoded = decodeToken(text, NO_PARTIAL);
    if (decoded === undefined) continue;
    let end = 0;
    for (const codePoint of decoded.codePoints) {
      const key = end * nClasses + automaton.classOf(codePoint);
      let node = nodes.get(key);
      if (node === undefined) {
        node = parents.push(end) - 1;
        classes.push(automaton.classOf(codePoint));
        nodes.set(key, node);
      }
      end = node;
    }
    const { partial } = decoded;
    if (partial.remaining > 0) {
      open.push({ id, end, partial });
    } else {
      ends.push(end);
      whole.push(id);
    }
  }
  nodes.clear();
  const childrenOf = groupByOwner(parents, parents.length);
  const wholeAt = groupByOwner(ends, parents.length);
  const openAt = groupByOwner(
    open.map(({ end }) => end),
    parents.length,
  );

  return {
    forEachPermitted(state, partial, permit) {
      if (partial.remaining > 0) {
        for (const id of continuing) {
          if (follow(automaton, state, partial, texts[id]!) !== undefined) permit(id);
        }
        return;
      }
      const path = [0]; // nodes to visit
      const states = [state]; // the state behind each
      let rowState: StackSet | undefined;
      let row: readonly (StackSet | undefined)[] = []; // of rowState; neighbours mostly share it
      for (let node = path.pop(); node !== undefined; node = path.pop()) {
        const reached = states.pop()!;
        for (let i = wholeAt.starts[node]!; i < wholeAt.starts[node + 1]!; i++) permit(whole[wholeAt.items[i]!]!);
        for (let i = openAt.starts[node]!; i < openAt.starts[node + 1]!; i++) {
          const token = open[openAt.items[i]!]!;
          if (automaton.admitsPartial(reached, token.partial)) permit(token.id);
        }
        if (reached !== rowState) {
          rowState = reached;
          row = automaton.knownSteps(reached);
        }
        for (let i = childrenOf.starts[node]!; i < childrenOf.starts[node + 1]!; i++) {
          const child = childrenOf.items[i]!;
          const next = row[classes[child]!] ?? automaton.step(reached, classes[child]!);
          if (isDead(next)) continue;
          path.push(child);
          states.push(next);
        }
      }
    },
  };
}

/** Lists of items, one after the other: those of owner o are items[starts[o]] … items[starts[o + 1] − 1]. */
interface Groups {
  readonly starts: Int32Array; // (nOwners + 1)
  readonly items: Int32Array; // (nItems): indices into `owners`
}

/** A counting sort; items with a negative owner are left out. */
function groupByOwner(owners: readonly number[], nOwners: number): Groups {
  const starts = new Int32Array(nOwners + 1);
  for (const owner of owners) if (owner >= 0) starts[owner + 1]!++;
  for (let owner = 0; owner < nOwners; owner++) starts[owner + 1]! += starts[owner]!;
  const items = new Int32Array(starts[nOwners]!);
  const next = starts.slice();
  for (const [item, owner] of owners.entries()) if (owner >= 0) items[next[owner]!++] = item;
  return { starts, items };
}

export interface TextState {
  readonly state: StackSet;
  readonly partial: PartialCharacter;
}

/** The state behind a text; undefined if the grammar does not admit it there. @throws GrammarError E_LIMIT */
export function follow(
  automaton: Automaton,
  state: StackSet,
  before: PartialCharacter,
  text: Uint8Array,
): TextState | undefined {
  const decoded = decodeToken(text, before);
  if (decoded === undefined) return undefined;
  const { codePoints, partial } = decoded;
  let reached = state;
  for (const codePoint of codePoints) {
    reached = automaton.step(reached, automaton.classOf(codePoint));
    if (isDead(reached)) return undefined;
  }
  const isAdmitted = partial.remaining === 0 || automaton.admitsPartial(reached, partial);
  return isAdmitted ? { state: reached, partial } : undefined;
}
