// ll-serve as a process of its own, from the sources.

import { join } from "node:path";
import { expect } from "vitest";
import { type SourceProgram, startProgram } from "../../../../tools/source-program.ts";

export const BIN: string = join(import.meta.dirname, "../../src/bin.ts");

export interface ServerProcess extends Omit<SourceProgram, "child"> {
  kill(signal: NodeJS.Signals): void;
}

/** @param preload a module that Node loads before the program */
export function runServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  preload?: string,
): ServerProcess {
  const before = preload === undefined ? [] : ["--import", preload];
  const { child, ...program } = startProgram([...before, BIN], args, env);
  return { ...program, kill: (signal) => child.kill(signal) };
}

/** The port of a server, once it answers. */
export async function portOf({ out, err }: ServerProcess): Promise<number> {
  await expect.poll(out, { timeout: 100_000, message: err() }).toMatch(/\n$/);
  const [, port] = /^http:\/\/127\.0\.0\.1:(\d+)\n$/.exec(out()) ?? [];
  return Number(port);
}
