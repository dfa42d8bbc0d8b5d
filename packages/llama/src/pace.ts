// Long work that lets the event loop turn now and then, so that timers fire and an AbortSignal is heard; and work that waits for its turn.

import { turn } from "@ll/bytes";

/** Work that may be left or interrupted at each yield. A caller that wants that behind the last piece, too, does it there. */
export type Pieces = Generator<"piece", void, void>;

/** Products between two turns of the event loop: some 10 ms of scalar work. */
const PRODUCTS_PER_TURN = 2 ** 23;

/** Counts work across evaluations: a small model would otherwise never reach a turn within one of them. */
export class Pace {
  #products = 0;
  #signal: AbortSignal | undefined;

  /** Starts an evaluation. @throws the signal's reason if it is aborted. */
  begin(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#signal = signal;
  }

  /** Adds work; true when `turn` is due. */
  spend(products: number): boolean {
    this.#products += products;
    return this.#products >= PRODUCTS_PER_TURN;
  }

  /** Waits for one turn of the event loop. @throws the signal's reason if it is aborted by then. */
  async turn(): Promise<void> {
    this.#products = 0;
    await turn();
    this.#signal?.throwIfAborted();
  }
}

/** One piece of work at a time, in the order of the calls. */
export class TurnQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` when all that was put in before has ended, well or not.
   * @throws what `work` throws; the signal's reason as soon as it is aborted before `work` has begun, which is left out then
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const turn = async (): Promise<void> => {
        signal?.removeEventListener("abort", onAbort);
        try {
          signal?.throwIfAborted();
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      };
      this.#last = this.#last.then(turn);
    });
  }
}
