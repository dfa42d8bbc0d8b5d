// Runs the programs as tests need them: as a real process from the sources, or in this process with what they print caught.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Io } from "../src/command.ts";
import { run } from "../src/main.ts";
import { type TerminalStream, term } from "../src/terminal.ts";

const BIN = join(import.meta.dirname, "../src/bin.ts");

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
  /** Shell text put before the command, such as `ulimit -n 20; exec`. */
  readonly shellPrefix?: string;
  /** Start in a session of its own, without a controlling terminal. */
  readonly detached?: boolean;
}

/** A shell prefix under which permissions hold for the superuser too, who without it may write anywhere. */
export const UNPRIVILEGED = process.getuid?.() === 0 ? "exec setpriv --inh-caps=-all --bounding-set=-all --" : "exec";

/** Starts a program from the sources, with pipes as its streams. */
export function start(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const nodeArgs = [...(options.nodeArgs ?? []), "--conditions=@ll/source", BIN, ...argv];
  const env = { ...process.env, ...options.env };
  const spawnOptions = { cwd: options.cwd, env, stdio: "pipe", detached: options.detached ?? false } as const;
  if (options.shellPrefix === undefined) return spawn(process.execPath, nodeArgs, spawnOptions);
  return spawn("/bin/bash", ["-c", `${options.shellPrefix} "$@"`, "bash", process.execPath, ...nodeArgs], spawnOptions);
}

/** Waits until a started program has ended. */
export function ended(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin?.end();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs a program as a process of its own: `runProcess(["ll-convert", "--help"])`. */
export function runProcess(argv: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  return ended(start(argv, options));
}

interface Surroundings {
  readonly out: TerminalStream;
  readonly err: TerminalStream;
  readonly env: Io["env"];
  /** Default: a clock that stands still, so that no progress is shown however long the work takes. */
  readonly now?: () => number;
}

/** Runs a program in this process on these streams. Resolves to the exit code. */
export function runOn(
  bin: string,
  argv: readonly string[],
  { out, err, env, now = () => 0 }: Surroundings,
): Promise<number> {
  return run(bin, argv, { out: term(out), err: term(err), env, now });
}

/** A clock that is five seconds later whenever it is read: all work takes long enough for progress to be shown. */
export function slowClock(): () => number {
  let ms = 0;
  return () => (ms += 5000);
}

/** Runs a program in this process, its streams no terminals. */
export async function runHere(bin: string, argv: readonly string[], env: Io["env"] = {}): Promise<Outcome> {
  const out = captured();
  const err = captured();
  const code = await runOn(bin, argv, { out, err, env });
  return { code, signal: null, stdout: out.text(), stderr: err.text() };
}

/** A stream that keeps what is written to it; a terminal if `isTTY`. */
export function captured(isTTY = false): {
  isTTY: boolean;
  columns: number;
  write(data: string | Uint8Array): void;
  text(): string;
} {
  const parts: Uint8Array[] = [];
  return {
    isTTY,
    columns: 80,
    write: (data) => {
      parts.push(typeof data === "string" ? new TextEncoder().encode(data) : data.slice());
    },
    text: () => Buffer.concat(parts).toString("utf8"),
  };
}

/** An empty directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "ll-cli-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
