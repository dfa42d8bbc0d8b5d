// Which ids came before, in memory that does not grow with their number: 64 bits of a hash each, up to a limit.

export interface SeenIds {
  /** Notes an id; true if it was there. @param hash of it, at least 8 bytes that nobody can choose */
  add(hash: Uint8Array): boolean;
  /** As many as can be noted are: whatever comes now counts as new. */
  readonly isFull: boolean;
}

const FIRST_SLOTS = 1 << 12;
/** 64 MiB: ids of three million lines. */
const MOST_SLOTS = 1 << 22;
const MOST_LOAD = 0.75;

export function createSeenIds(mostSlots: number = MOST_SLOTS): SeenIds {
  let slots = new BigUint64Array(Math.min(FIRST_SLOTS, mostSlots)); // 0: free
  let n = 0;
  const slotOf = (key: bigint): number => {
    const mask = slots.length - 1;
    let slot = Number(key & 0xffffffffn) & mask;
    while (slots[slot] !== 0n && slots[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  };
  const grow = (): void => {
    const old = slots;
    slots = new BigUint64Array(old.length * 2);
    for (const key of old) if (key !== 0n) slots[slotOf(key)] = key;
  };
  const isFull = (): boolean => slots.length >= mostSlots && n >= MOST_LOAD * slots.length;
  return {
    add(hash) {
      const key = new DataView(hash.buffer, hash.byteOffset).getBigUint64(0, true) || 1n;
      const slot = slotOf(key);
      if (slots[slot] === key) return true;
      if (isFull()) return false;
      slots[slot] = key;
      if (++n >= MOST_LOAD * slots.length && slots.length < mostSlots) grow();
      return false;
    },
    get isFull() {
      return isFull();
    },
  };
}
