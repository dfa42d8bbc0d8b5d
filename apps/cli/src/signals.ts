// What ends a program from outside: signals, a closed pipe, a bug. In each case unfinished output files go first.

import { printable } from "@ll/bytes";
import { removeTemporaryFiles } from "@ll/bytes/node";
import { ExitCode } from "./exit-codes.ts";
import { inert } from "./terminal.ts";

const SIGNALS = [
  ["SIGINT", ExitCode.interrupted],
  ["SIGTERM", ExitCode.terminated],
  ["SIGHUP", ExitCode.hangup],
] as const;

let interruptHandler: (() => boolean) | undefined;

/**
 * Lets a command take SIGINT for itself: `handler` returns true if it dealt with it, false to end the program as usual.
 * Returns a function that takes the handler away again.
 */
export function onInterrupt(handler: () => boolean): () => void {
  interruptHandler = handler;
  return () => {
    if (interruptHandler === handler) interruptHandler = undefined;
  };
}

let endHandler: ((signal: string, code: number) => boolean) | undefined;

/** Lets a program bring its work to an end by itself: `handler` is told of every signal, and returns true if it sees to it. */
export function onEnd(handler: (signal: string, code: number) => boolean): () => void {
  endHandler = handler;
  return () => {
    if (endHandler === handler) endHandler = undefined;
  };
}

/** Installs the handlers once per process. `exit` does not return. */
export function installSignals(exit: (code: number) => void): void {
  const end = (code: number): void => {
    removeTemporaryFiles();
    exit(code);
  };
  for (const [signal, code] of SIGNALS) {
    process.on(signal, () => {
      if (signal === "SIGINT" && interruptHandler?.() === true) return;
      if (endHandler?.(signal, code) === true) return;
      end(code);
    });
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // `ll-quantize … | head -1`: the reader has seen enough, which is no error to talk about
    if (error.code === "EPIPE") return end(ExitCode.brokenPipe);
    process.stderr.write(`cannot write to standard output: ${printable(error.message, 256)}\n`);
    end(ExitCode.environment);
  });
  // nobody reads the messages; the work goes on
  process.stderr.on("error", () => undefined);
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`internal error (bug): ${inert(text)}\n`);
      end(ExitCode.internal);
    });
  }
}
