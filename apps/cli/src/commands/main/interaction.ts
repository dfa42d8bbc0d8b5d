// The console of a run, and what Ctrl-C does: in a conversation the first one gives the user the word, the next one ends the run.

import type { Io } from "../../command.ts";
import type { RunParams } from "../../inference/params.ts";
import { onInterrupt } from "../../signals.ts";
import { usesColour } from "../../terminal.ts";
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
  /** From here on Ctrl-C gives the user the word, where one is asked; `lastWords` is called before an interrupted run ends. */
  begin(lastWords: () => void): void;
  /** Restores the terminal and gives Ctrl-C back. */
  close(): void;
}

/** Opens the console, before a model is loaded: what is typed meanwhile waits. However the process ends, the terminal is restored. */
export function openInteraction(params: RunParams, io: Io): Interaction {
  const interrupt: Interrupt = { requested: false, waiting: false };
  let lastWords: (() => void) | undefined;
  const interject = (): boolean => {
    if (!params.interactive || lastWords === undefined || interrupt.requested || interrupt.waiting) return false;
    interrupt.requested = true;
    return true;
  };
  const color = usesColour(params.color, io.out, io.env);
  const console = openConsole(io.out, { ...params, color }, () => {
    if (!interject()) process.kill(process.pid, "SIGINT");
  });
  process.on("exit", console.close);
  const removeHandler = onInterrupt(() => {
    if (interject()) return true;
    console.close();
    if (lastWords === undefined) return false;
    if (params.interactive) io.out.write("\n");
    lastWords();
    return false;
  });
  return {
    console,
    interrupt,
    begin(words) {
      lastWords = words;
    },
    close() {
      removeHandler();
      process.off("exit", console.close);
      console.close();
    },
  };
}
