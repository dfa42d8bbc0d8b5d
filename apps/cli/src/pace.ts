// Long synchronous work in steps between which signals and keys are heard.

import { setImmediate } from "node:timers/promises";

/** Longest stretch of work between two turns of the event loop, if each step is short. */
const STRETCH_MS = 50;

/** A function to call between two steps: now and then it waits for a turn of the event loop. */
export function createPace(now: () => number = () => performance.now()): () => Promise<void> {
  let begun = now();
  return async () => {
    if (now() - begun < STRETCH_MS) return;
    await setImmediate();
    begun = now();
  };
}
