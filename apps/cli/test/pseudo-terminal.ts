// Programs on a pseudo-terminal, by `script` of util-linux. Where there is none, tests are skipped, visibly; on CI they fail.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "../src/bin.ts");

/** A wait for output fails after this long; much longer than any program takes on a busy machine. */
const PATIENCE_MS = 30_000;

/** A `describe` block whose tests use `startOnTerminal`. */
export function describeOnTerminal(name: string, body: () => void): void {
  const { status, stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  const isPresent = (status === 0 && stdout.includes("util-linux")) || process.env["CI"] === "true";
  describe.skipIf(!isPresent)(isPresent ? name : `${name} (needs script of util-linux)`, body);
}

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
}

/** Starts a program from the sources on a terminal of its own. `shellSuffix` is shell text behind the command. */
export function startOnTerminal(
  argv: readonly string[],
  env: Record<string, string>,
  shellSuffix = "",
): TerminalProgram {
  const quoted = [process.execPath, "--conditions=@ll/source", BIN, ...argv].map(
    (word) => `'${word.replaceAll("'", "'\\''")}'`,
  );
  const child: ChildProcess = spawn("script", ["-qec", `${quoted.join(" ")} ${shellSuffix}`, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", NO_COLOR: "1", ...env },
    stdio: "pipe",
  });
  onTestFinished(() => void child.kill());
  const end = new Promise<number | null>((resolve) => child.on("close", resolve));
  let output = "";
  let seen = 0;
  let wake: (() => void) | undefined;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    wake?.();
  });
  return {
    get output() {
      return output;
    },
    type: (text) => void child.stdin?.write(text),
    resize(columns) {
      const { status, stderr } = spawnSync("stty", ["-F", terminalOf(child), "cols", String(columns), "rows", "24"]);
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
  };
}

/** Path of the terminal that `script` has made for its child. */
function terminalOf(script: ChildProcess): string {
  const children = readFileSync(`/proc/${script.pid}/task/${script.pid}/children`, "utf8");
  return readlinkSync(`/proc/${children.split(" ")[0]}/fd/0`);
}
