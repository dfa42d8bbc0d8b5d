// Where the workers of a team wait for each other. The words lie in shared memory; the main thread never waits here, it only
// sets the words that end a wait.

/** Places of the words, 64 bytes apart so that a spinning worker does not slow down one that counts. */
const ARRIVED = 0; // workers at the current barrier
const GENERATION = 16; // barriers passed
const VERDICT = 17; // 1 if the last barrier ended the evaluation
const SLEEPERS = 18; // workers that need to be notified
const ABORT = 32; // 1 from an abort until the next evaluation
const POISON = 48; // 1 once the team is broken

export const BARRIER_WORDS = 64;

/** Longest sleep before poison is looked for: a worker that died must be noticed within a second. */
const SLEEP_MS = 100;

/**
 * Looks at the generation before a worker goes to sleep: about 50 µs, some times what a pair of workers differs by in one
 * step. Without a limit a worker that lost its core would be waited for at full power.
 */
const SPINS = 20_000;

/** The team is broken: another worker died. */
export class PoisonedError extends Error {
  override readonly name: string = "PoisonedError";
}

/** One worker's side. `words`: (BARRIER_WORDS), shared by `nWorkers`. */
export class Barrier {
  readonly #words: Int32Array; // (BARRIER_WORDS)
  readonly #nWorkers: number;
  readonly #spins: number;

  /** @param nCores cores there are: with fewer than workers, spinning would keep others from arriving */
  constructor(words: Int32Array, nWorkers: number, nCores: number) {
    this.#words = words;
    this.#nWorkers = nWorkers;
    this.#spins = nCores < nWorkers ? 0 : SPINS;
  }

  /**
   * Waits until all workers have arrived. The last one decides for all whether the evaluation goes on, so that no worker waits
   * at a barrier that others never reach.
   * @returns false if the evaluation was aborted
   * @throws PoisonedError
   */
  arrive(): boolean {
    const words = this.#words;
    const generation = Atomics.load(words, GENERATION);
    if (Atomics.add(words, ARRIVED, 1) === this.#nWorkers - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.store(words, VERDICT, Atomics.load(words, ABORT));
      Atomics.add(words, GENERATION, 1);
      // a worker counts itself before it looks at the generation for the last time, so none is missed
      if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, GENERATION);
    } else {
      this.#wait(generation);
    }
    if (Atomics.load(words, POISON) !== 0) throw new PoisonedError("another worker of the team died");
    // nobody can write the next verdict before this worker arrives again
    return Atomics.load(words, VERDICT) === 0;
  }

  /** True once the evaluation under way is to be left. Work skipped because of it is skipped by all: the word stays set. */
  get isAborted(): boolean {
    return Atomics.load(this.#words, ABORT) !== 0;
  }

  #wait(generation: number): void {
    const words = this.#words;
    for (let spin = 0; spin < this.#spins; spin++) {
      if (Atomics.load(words, GENERATION) !== generation) return;
    }
    Atomics.add(words, SLEEPERS, 1);
    while (Atomics.load(words, GENERATION) === generation && Atomics.load(words, POISON) === 0) {
      Atomics.wait(words, GENERATION, generation, SLEEP_MS);
    }
    Atomics.sub(words, SLEEPERS, 1);
  }
}

/** Sets or takes back the wish to leave the evaluation under way. Never waits. */
export function setAbort(words: Int32Array, isAborted: boolean): void {
  Atomics.store(words, ABORT, isAborted ? 1 : 0);
}

/** Breaks the team for good: every worker leaves its barrier with a PoisonedError. Never waits. */
export function poison(words: Int32Array): void {
  Atomics.store(words, POISON, 1);
  Atomics.notify(words, GENERATION);
}
