// The recorded runs of build 803's `main`: arguments, files and standard input, and what came out.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface GoldenCase {
  /** The program; `main` where nothing is said. */
  readonly tool?: string;
  readonly name: string;
  readonly model: string;
  readonly args: readonly string[];
  readonly exit?: number;
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly stdout?: { readonly text: string };
  /** Everything printed until the program waits for one more line. */
  readonly stdoutUntilNextInput?: { readonly text: string };
  readonly written?: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

export function readGoldenCases(path: string): GoldenCase[] {
  return JSON.parse(readFileSync(path, "utf8")).cases;
}

/** The case's arguments with its files made in `directory` and named by their whole paths. */
export function argumentsIn(directory: string, golden: GoldenCase, modelPath: string): string[] {
  for (const [name, text] of Object.entries(golden.files ?? {})) writeFileSync(join(directory, name), text);
  const names = new Set([...Object.keys(golden.files ?? {}), ...Object.keys(golden.written ?? {})]);
  const args = golden.args.map((arg) => (names.has(arg) ? join(directory, arg) : arg));
  // the recorded option has no effect in build 803, a mistake that only --compat repeats; and its sessions do not name their model
  const hasQuirk = golden.args.includes("--no-penalize-nl") || golden.written !== undefined;
  const compat = hasQuirk ? ["--compat"] : [];
  return ["-m", modelPath, "-t", "1", ...args, ...compat];
}

/** sha256 of the files that the case should have written, by name. */
export function hashesOfWritten(directory: string, golden: GoldenCase): Record<string, string> {
  const names = Object.keys(golden.written ?? {});
  return Object.fromEntries(names.map((name) => [name, sha256(readFileSync(join(directory, name)))]));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
