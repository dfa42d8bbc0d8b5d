// MT19937 (Matsumoto & Nishimura 1998) and the draws that libstdc++ makes from it, so that a seed means the same tokens
// here and in llama.cpp. Not for secrets.

import { checkInteger } from "./guards.ts";

const N = 624; // words of state
const M = 397; // distance of the word that is mixed in
const MATRIX_A = 0x9908b0df;
const TWO_32 = 2 ** 32;
const TWO_64 = 2 ** 64;
const BELOW_ONE = 1 - 2 ** -53; // the largest double below 1

/** A seedable random engine whose state can be saved. */
export interface Rng {
  /** The next output of the engine, an unsigned 32-bit integer. */
  next(): number;
  /**
   * An index in [0, n) with probability proportional to `weights` (n values ≥ 0, any sum), as `std::discrete_distribution`
   * draws it: two engine outputs, none if n < 2. All zero or any NaN gives an index in range, usually 0.
   */
  draw(weights: ArrayLike<number>, n?: number): number;
  /** Starts over from an unsigned 32-bit seed. */
  seed(seed: number): void;
  /** The state as libstdc++ prints it: 624 decimal words and the position, separated by single spaces. */
  exportState(): string;
  /** Restores what `exportState` gave. @throws RangeError if `text` is not such a state; the engine is then unchanged. */
  importState(text: string): void;
}

/** A new MT19937 engine. @throws RangeError unless `seed` is an integer in [0, 2^32). */
export function createRng(seed: number): Rng {
  const state = new Uint32Array(N); // (N): the last generated block of words, before tempering
  let position = N; // next word to hand out; N: the block is used up

  const rng: Rng = {
    next(): number {
      if (position === N) {
        generateBlock(state);
        position = 0;
      }
      return temper(state[position++]!);
    },

    draw(weights: ArrayLike<number>, n: number = weights.length): number {
      if (n < 2) return 0;
      let sum = 0;
      for (let i = 0; i < n; i++) sum += weights[i]!;
      const u = uniform(rng);
      // the first index whose cumulative share reaches u; written with `!` so that NaN, which fails every comparison, stops
      let cumulative = 0;
      for (let i = 0; i < n - 1; i++) {
        cumulative += weights[i]! / sum;
        if (!(cumulative < u)) return i;
      }
      return n - 1; // its cumulative share is 1 by definition, whatever the rounding
    },

    seed(value: number): void {
      seedState(state, checkInteger("seed", value, 0, TWO_32 - 1));
      position = N;
    },

    exportState(): string {
      return `${state.join(" ")} ${position}`;
    },

    importState(text: string): void {
      const words = parseState(text);
      position = words.pop()!;
      state.set(words);
    },
  };
  rng.seed(seed);
  return rng;
}

/**
 * The seed that a program's `--seed` value stands for: integers wrap to 32 bits, and −1 (0xffffffff) means "now", the
 * clock in whole seconds. @throws RangeError unless `seed` is an integer in [−2^31, 2^32).
 */
export function resolveSeed(seed: number, nowMs: number = Date.now()): number {
  const wrapped = checkInteger("seed", seed, -(2 ** 31), TWO_32 - 1) >>> 0;
  return wrapped === 0xffffffff ? Math.floor(nowMs / 1000) >>> 0 : wrapped;
}

/** A double in [0, 1) from two outputs, the low half first. */
function uniform(rng: Rng): number {
  const low = rng.next();
  const u = (low + rng.next() * TWO_32) / TWO_64;
  return u < 1 ? u : BELOW_ONE; // the sum may have been rounded up to 2^64
}

function seedState(state: Uint32Array, seed: number): void {
  state[0] = seed;
  for (let i = 1; i < N; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
}

function generateBlock(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff);
    state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? MATRIX_A : 0);
  }
}

function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

/** The N words and the position. */
function parseState(text: string): number[] {
  const tokens = text.split(" ", N + 2);
  const words = tokens.map((token) => (/^\d{1,10}$/.test(token) ? Number(token) : Number.NaN));
  const valid = words.length === N + 1 && words.every((word) => word < TWO_32) && words[N]! <= N;
  if (!valid) throw new RangeError(`"state" expected ${N} unsigned 32-bit words and a position, separated by spaces`);
  return words;
}
