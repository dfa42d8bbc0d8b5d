// Several parsers on one input: none may keep the next one from being tried.

import { complaint } from "../verdict.ts";

/** Runs all of `steps`; refusals are fine. @throws what is no refusal */
export async function each(...steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (complaint(error) !== undefined) throw error;
    }
  }
}
