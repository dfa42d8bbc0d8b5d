// Where the workers of a team wait for each other. The words lie in shared memory; the main thread never waits here, it only
// sets the words that end a wait.

/** Places of the words, 64 bytes apart so that a spinning worker does not slow down one that counts. */
const ARRIVED = 0; // workers at the current barrier
const GENERATION = 16; // barriers passed
const VERDICT = 17; // 1 if the last barrier ended the evaluation
const ABORT = 32; // 1 from an abort until the next evaluation
const POISON = 48; // 1 once the team is broken

export const BARRIER_WORDS = 64;

/** Longest sleep before poison is looked for: a worker that died must be noticed within a second. */
const SLEEP_MS = 100;

/** Looks at the generation before a worker goes to sleep: some 45 µs, about what falling asleep and being woken takes. */
const SPINS = 10_000;

/** Most waits without looking, after looking has not helped again and again. */
const MOST_PATIENCE = 64;

/** The team is broken: another worker died. */
class PoisonedError extends Error {
  override readonly name: string = "PoisonedError";
}

/** One worker's side. `words`: (BARRIER_WORDS), shared by `nWorkers`. */
export class Barrier {
  readonly #words: Int32Array; // (BARRIER_WORDS)
  readonly #nWorkers: number;
  /** Waits that go to sleep at once. */
  #patience = 0;
  /** What `#patience` becomes when spinning does not help the next time. */
  #nextPatience = 1;

  constructor(words: Int32Array, nWorkers: number) {
    this.#words = words;
    this.#nWorkers = nWorkers;
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
      Atomics.notify(words, GENERATION); // 27 ns if nobody sleeps
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
    if (this.#patience > 0) this.#patience--;
    else if (this.#spin(generation)) return;
    while (Atomics.load(words, GENERATION) === generation && Atomics.load(words, POISON) === 0) {
      Atomics.wait(words, GENERATION, generation, SLEEP_MS);
    }
  }

  /**
   * Looks for the next generation; true if it came. Where it does not, the others have no core of their own: a busy neighbour
   * has one, or there are too few. Spinning keeps them from arriving then, so it is left out for a while, longer each time. On
   * two cores of which one was taken, a barrier took 33 µs without this and 10 with it.
   */
  #spin(generation: number): boolean {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#words, GENERATION) !== generation) {
        this.#nextPatience = 1;
        return true;
      }
    }
    this.#patience = this.#nextPatience;
    this.#nextPatience = Math.min(MOST_PATIENCE, 2 * this.#nextPatience);
    return false;
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
