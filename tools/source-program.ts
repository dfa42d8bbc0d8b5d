// A program of the project as a process of its own, run from the sources: for tests that kill it, or read what it prints.

import { type ChildProcess, spawn } from "node:child_process";

export interface SourceProgram {
  readonly child: ChildProcess;
  /** What it printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** @param script with options of Node before it, if there are any; @param env of ours, it gets PATH alone */
export function startProgram(
  script: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): SourceProgram {
  const child = spawn(process.execPath, ["--conditions=@ll/source", "--no-warnings", ...script, ...args], {
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
  return { child, out: () => out, err: () => err, ended };
}
