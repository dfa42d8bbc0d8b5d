// The console of a run, and what Ctrl-C does: in a conversation the first one gives the user the word, the next one ends the run.

import type { Io } from "../../command.ts";
import type { RunParams } from "../../inference/params.ts";
import { onInterrupt } from "../../signals.ts";
import { type MainConsole, openConsole } from "./console.ts";

/** Who has the word. */
export interface Interrupt {
  /** The user wants it, or gets it. */
  requested: boolean;
  /** The user is being listened to. */
  waiting: boolean;
}

export interface Interaction {
  readonly console: MainConsole;
  readonly interrupt: Interrupt;
  /** Restores the terminal and gives Ctrl-C back. */
  close(): void;
}

/** `lastWords` is called before an interrupted run ends. */
export function openInteraction(params: RunParams, io: Io, lastWords: () => void): Interaction {
  const interrupt: Interrupt = { requested: false, waiting: false };
  const interject = (): boolean => {
    if (!params.interactive || interrupt.requested || interrupt.waiting) return false;
    interrupt.requested = true;
    return true;
  };
  const console = openConsole(io.out, params, () => {
    if (!interject()) process.kill(process.pid, "SIGINT");
  });
  const removeHandler = onInterrupt(() => {
    if (interject()) return true;
    console.close();
    if (params.interactive) io.out.write("\n");
    lastWords();
    return false;
  });
  return {
    console,
    interrupt,
    close() {
      removeHandler();
      console.close();
    },
  };
}
