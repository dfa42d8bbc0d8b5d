// The vocabulary as a tree of character classes: what a grammar says about a beginning holds for all tokens that begin so, and
// tokens whose characters the grammar does not tell apart lie together. One walk over it finds all permitted ids.

import { type Automaton, isDead } from "./automaton.ts";
import type { StackSet } from "./stack-sets.ts";
import { decodeToken, type PartialCharacter } from "./utf8.ts";
import { type GrammarVocabulary, textOf } from "./vocabulary.ts";

export interface VocabularyTrie {
  /** Calls `permit` with every id whose text can follow in `state`, where `partial` is still open. @throws GrammarError E_LIMIT */
  forEachPermitted(state: StackSet, partial: PartialCharacter, permit: (id: number) => void): void;
}

/** Ids without text are never permitted. */
export function createVocabularyTrie(vocabulary: GrammarVocabulary, automaton: Automaton): VocabularyTrie {
  const { ids, codePoints, starts, partials, continuing } = vocabulary;
  const nodes = createNodes(codePoints.length);
  const ends = new Int32Array(ids.length).fill(-1); // node where each text ends that has whole characters alone
  const open: { readonly id: number; readonly end: number; readonly partial: PartialCharacter }[] = []; // and the others
  for (let i = 0; i < ids.length; i++) {
    let end = 0;
    for (let at = starts[i]!; at < starts[i + 1]!; at++) end = nodes.childOf(end, automaton.classOf(codePoints[at]!));
    const partial = partials.get(i);
    if (partial === undefined) ends[i] = end;
    else open.push({ id: ids[i]!, end, partial });
  }
  const { parents, classes } = nodes.all();
  const childrenOf = groupByOwner(parents, parents.length);
  const wholeAt = groupByOwner(ends, parents.length);
  const openAt = groupByOwner(
    Int32Array.from(open, ({ end }) => end),
    parents.length,
  );

  return {
    forEachPermitted(state, partial, permit) {
      if (partial.remaining > 0) {
        for (const id of continuing) {
          if (follow(automaton, state, partial, textOf(vocabulary, id)) !== undefined) permit(id);
        }
        return;
      }
      const path = [0]; // nodes to visit
      const states = [state]; // the state behind each
      let rowState: StackSet | undefined;
      let row: readonly (StackSet | undefined)[] = []; // of rowState; neighbours mostly share it
      for (let node = path.pop(); node !== undefined; node = path.pop()) {
        const reached = states.pop()!;
        for (let i = wholeAt.starts[node]!; i < wholeAt.starts[node + 1]!; i++) permit(ids[wholeAt.items[i]!]!);
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
function groupByOwner(owners: Int32Array, nOwners: number): Groups {
  const starts = new Int32Array(nOwners + 1);
  for (let item = 0; item < owners.length; item++) if (owners[item]! >= 0) starts[owners[item]! + 1]!++;
  for (let owner = 0; owner < nOwners; owner++) starts[owner + 1]! += starts[owner]!;
  const items = new Int32Array(starts[nOwners]!);
  const next = starts.slice();
  for (let item = 0; item < owners.length; item++) if (owners[item]! >= 0) items[next[owners[item]!]!++] = item;
  return { starts, items };
}

/**
 * Nodes by their parent and the class that leads to them: a hash table, for a Map takes several times as long. Its multipliers are random, so
 * that no vocabulary is made to collide; what it finds does not depend on them.
 */
function createNodes(most: number) {
  const parents = new Int32Array(most + 1).fill(-1, 0, 1); // (nNodes); node 0 is the empty beginning
  const classes = new Int32Array(most + 1).fill(-1, 0, 1);
  const [a, b] = [0, 1].map(() => Math.floor(Math.random() * 2 ** 31) * 2 + 1) as [number, number];
  let nNodes = 1;
  let bits = 14;
  let table = new Int32Array(2 ** bits); // nodes; 0 is a free place, as is at least every second one
  const placeOf = (parent: number, characterClass: number): number => {
    let place = (Math.imul(parent, a) + Math.imul(characterClass, b)) >>> (32 - bits);
    for (;;) {
      const node = table[place]!;
      if (node === 0 || (parents[node] === parent && classes[node] === characterClass)) return place;
      place = (place + 1) & (table.length - 1);
    }
  };
  const grow = (): void => {
    table = new Int32Array(2 ** ++bits);
    for (let node = 1; node < nNodes; node++) table[placeOf(parents[node]!, classes[node]!)] = node;
  };
  return {
    childOf(parent: number, characterClass: number): number {
      const place = placeOf(parent, characterClass);
      if (table[place] !== 0) return table[place]!;
      parents[nNodes] = parent;
      classes[nNodes] = characterClass;
      table[place] = nNodes++;
      if (2 * nNodes > table.length) grow();
      return nNodes - 1;
    },
    all: () => ({ parents: parents.slice(0, nNodes), classes: classes.slice(0, nNodes) }),
  };
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
