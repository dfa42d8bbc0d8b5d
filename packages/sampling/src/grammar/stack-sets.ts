// Sets of stacks. A grammar with choices can have exponentially many stacks at a time; here stacks share what they have in
// common: a set is a list of tops, each with the set of what can lie below it. Equal sets are the same object, so that a state
// that comes back, such as "inside of a string", is recognised and nothing about it is computed twice.

export interface StackSet {
  readonly id: number;
  /** Positions, ascending; a position may occur several times with different rests. */
  readonly tops: readonly number[]; // (n)
  /** What lies below each top; never the set without stacks. */
  readonly rests: readonly StackSet[]; // (n)
  /** The empty stack is one of them. */
  readonly mayEnd: boolean;
}

/** A set of stacks with the same top. */
export interface Stacks {
  readonly top: number;
  readonly rest: StackSet;
}

export interface StackSets {
  /** Only the empty stack. */
  readonly ended: StackSet;
  /**
   * The set of all these, and of the empty stack if `mayEnd`. Stacks with the same top share what is below it. `look` is told of
   * tops before they are compared, beyond one for each of `stacks`, and may throw.
   */
  merge(stacks: readonly Stacks[], mayEnd: boolean, look: (nTops: number) => void): StackSet;
  /** Number of sets known and of tops in them: what they take of memory. */
  readonly size: number;
  /** Forgets which sets there are. Those in use go on, but newly made equals are other objects. */
  forget(): void;
}

export function createStackSets(): StackSets {
  const known = new Map<string, StackSet>(); // by content
  let nextId = 0;
  let size = 0;

  /** The one object for a list that is sorted and without duplicates. */
  const intern = (list: readonly Stacks[], mayEnd: boolean): StackSet => {
    const key = `${mayEnd} ${list.map(({ top, rest }) => `${top}:${rest.id}`).join(" ")}`;
    let set = known.get(key);
    if (set === undefined) {
      const tops = list.map(({ top }) => top);
      const rests = list.map(({ rest }) => rest);
      set = { id: nextId++, tops, rests, mayEnd };
      known.set(key, set);
      size += 1 + tops.length;
    }
    return set;
  };

  /** One level deep: the parts of the union are parts of the given sets, so that no stack is ever walked down. */
  const union = (sets: readonly StackSet[], look: (nTops: number) => void): StackSet => {
    for (const { tops } of sets) look(tops.length);
    const parts = sets.flatMap(({ tops, rests }) => tops.map((top, i) => ({ top, rest: rests[i]! })));
    parts.sort((a, b) => a.top - b.top || a.rest.id - b.rest.id);
    const isFirst = ({ top, rest }: Stacks, i: number): boolean =>
      top !== parts[i - 1]?.top || rest !== parts[i - 1]?.rest;
    return intern(
      parts.filter(isFirst),
      sets.some(({ mayEnd }) => mayEnd),
    );
  };

  return {
    ended: intern([], true),
    merge(stacks, mayEnd, look) {
      const restsByTop = new Map<number, Set<StackSet>>();
      for (const { top, rest } of stacks) {
        const rests = restsByTop.get(top);
        if (rests === undefined) restsByTop.set(top, new Set([rest]));
        else rests.add(rest);
      }
      const tops = [...restsByTop].sort(([a], [b]) => a - b);
      return intern(
        tops.map(([top, rests]) => ({ top, rest: rests.size === 1 ? first(rests) : union([...rests], look) })),
        mayEnd,
      );
    },
    get size() {
      return size;
    },
    forget() {
      known.clear();
      size = 0;
    },
  };
}

function first<T>(items: Iterable<T>): T {
  for (const item of items) return item;
  throw new RangeError(`"items" expected at least one, got none`);
}
