// Programs on a pseudo-terminal of their own, by `script` of util-linux.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** A wait for output fails after this long; much longer than any program takes on a busy machine. */
const PATIENCE_MS = 240_000;

export interface TerminalProgram {
  /** Everything on the screen so far, as it was sent to it. */
  readonly output: string;
  type(text: string): void;
  /** Gives the terminal another width; the program is told by the system. */
  resize(columns: number): void;
  /** Waits for a text behind what earlier waits found. */
  sees(text: string | RegExp): Promise<void>;
  /** Waits for the end; the exit code. */
  ended(): Promise<number | null>;
  /** Sends a signal to all that runs on the terminal. */
  signal(signal: NodeJS.Signals): void;
  /** Takes the terminal away, and with it the program. */
  close(): void;
}

export interface TerminalOptions {
  readonly cwd?: string;
  /** All of the environment but `PATH` and a `TERM`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Shell text behind the command, such as a redirection. */
  readonly shellSuffix?: string;
}

export function hasPseudoTerminals(): boolean {
  const { status, stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  return status === 0 && stdout.includes("util-linux");
}

/** Starts a command on a terminal of 80 columns. */
export function startOnTerminal(command: readonly string[], options: TerminalOptions = {}): TerminalProgram {
  const { cwd, env, shellSuffix = "" } = options;
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const shell = `stty cols 80 rows 24 && exec ${words} ${shellSuffix}`;
  const child = spawn("script", ["-qec", shell, "/dev/null"], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...env },
    stdio: "pipe",
  });
  const end = new Promise<number | null>((resolve) => child.on("close", resolve));
  let output = "";
  let seen = 0;
  let wake: (() => void) | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    wake?.();
  });
  return {
    get output() {
      return output;
    },
    type: (text) => void child.stdin.write(text),
    resize(columns) {
      const { status, stderr } = spawnSync("stty", ["-F", terminalOf(child).path, "cols", String(columns)]);
      if (status !== 0) throw new Error(`stty: ${stderr}`);
    },
    async sees(text) {
      const startMs = performance.now();
      for (;;) {
        const rest = output.slice(seen);
        const found = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
        if (found >= 0) {
          seen += found + (typeof text === "string" ? text.length : (text.exec(rest)?.[0].length ?? 0));
          return;
        }
        const left = PATIENCE_MS - (performance.now() - startMs);
        if (left <= 0) throw new Error(`no ${String(text)} in ${JSON.stringify(rest)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, Math.min(left, 1000));
        });
      }
    },
    ended: () => end,
    signal: (signal) => void process.kill(-terminalOf(child).pid, signal),
    close: () => void child.kill(),
  };
}

/** The process under `script`, leader of its group, and the path of the terminal that was made for it. */
function terminalOf(script: ChildProcess): { pid: number; path: string } {
  const children = readFileSync(`/proc/${script.pid}/task/${script.pid}/children`, "utf8");
  const pid = Number.parseInt(children, 10);
  return { pid, path: readlinkSync(`/proc/${pid}/fd/0`) };
}
