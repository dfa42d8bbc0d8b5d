// How many threads a model gets unless told otherwise.

/** More of them wait for each other, and the machine is used for something else, too. */
const MOST_THREADS = 8;

export function usefulThreads(): number {
  if (!crossOriginIsolated) return 1;
  return Math.max(1, Math.min(MOST_THREADS, navigator.hardwareConcurrency));
}
