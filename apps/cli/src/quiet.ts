// `--quiet`: what is said about the work stays unsaid, unless it was about why the work failed.

import type { Io } from "./command.ts";
import { ReportedError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Lets `work` run with a standard error that shows nothing. What it wrote there comes after all if it fails with words
 * of its own.
 */
export async function quietly<T>(io: Io, work: (io: Io) => Promise<T>): Promise<T> {
  const said: (string | Uint8Array)[] = [];
  const err: Terminal = { ...io.err, write: (text) => void said.push(text), control: () => undefined };
  try {
    return await work({ ...io, err });
  } catch (error) {
    if (error instanceof ReportedError) for (const text of said) io.err.write(text);
    throw error;
  }
}
