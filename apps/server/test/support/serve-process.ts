// ll-serve as a process of its own, from the sources.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";

export const BIN: string = join(import.meta.dirname, "../../src/bin.ts");

export interface ServerProcess {
  readonly out: () => string;
  readonly err: () => string;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** @param preload a module that Node loads before the program */
export function runServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  preload?: string,
): ServerProcess {
  const before = preload === undefined ? [] : ["--import", preload];
  const child = spawn(process.execPath, ["--conditions=@ll/source", "--no-warnings", ...before, BIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
  });
  return { out: () => out, err: () => err, kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
}

/** The port of a server, once it answers. */
export async function portOf({ out, err }: ServerProcess): Promise<number> {
  await expect.poll(out, { timeout: 100_000, message: err() }).toMatch(/\n$/);
  const [, port] = /^http:\/\/127\.0\.0\.1:(\d+)\n$/.exec(out()) ?? [];
  return Number(port);
}
