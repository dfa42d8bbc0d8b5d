// One piece of work at a time, in the order of the calls.

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
