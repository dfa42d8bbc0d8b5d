// A runner that does one chunk after the other, since each takes all that a process has.

import type { JobRunner, Product } from "./job-kind.ts";

export interface OneByOne {
  readonly facts: JobRunner["facts"];
  run(payload: string, signal: AbortSignal): Promise<Product>;
  close(): Promise<void>;
}

export function oneByOne({ facts, run, close }: OneByOne): JobRunner {
  let last: Promise<unknown> = Promise.resolve();
  return {
    facts,
    ready: () => last.then(() => undefined),
    run(payload, signal) {
      const product = last.then(() => {
        signal.throwIfAborted();
        return run(payload, signal);
      });
      last = product.catch(() => undefined); // whoever asked for it hears of that
      return product;
    },
    close,
  };
}
