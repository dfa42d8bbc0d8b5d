// ll-batch as a process, and files for it.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "@ll/cli/frame";
import { type SourceProgram, startProgram } from "../../../../tools/source-program.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { run } from "../../src/main.ts";

const BIN = join(import.meta.dirname, "../../src/bin.ts");

export type Program = SourceProgram;

export function start(args: readonly string[], env: Record<string, string> = {}, script: string = BIN): Program {
  return startProgram([script], args, env);
}

/** Runs to its end. */
export async function finish(args: readonly string[], env: Record<string, string> = {}) {
  const program = start(args, env);
  const code = await program.ended;
  return { code, out: program.out(), err: program.err() };
}

const silent = {
  isTty: false,
  columns: 80,
  isMidLine: false,
  control: () => undefined,
  drained: async () => undefined,
};

/** Prints nowhere. */
export const quietIo: Io = {
  out: { ...silent, write: () => undefined },
  err: { ...silent, write: () => undefined },
  env: {},
};

/** Another program than ll-batch, to its end. */
export async function finishProgram(script: string, args: readonly string[]) {
  const program = start(args, {}, script);
  return { code: await program.ended, out: program.out(), err: program.err() };
}

/** The same in this process, which is faster; for what needs no signal. */
export async function runHere(args: readonly string[], env: Record<string, string> = {}) {
  let [out, err] = ["", ""];
  const terminal = (write: (text: string) => void): Io["out"] => ({
    ...silent,
    write: (text) => write(String(text)),
  });
  const code = await run(args, {
    out: terminal((text) => {
      out += text;
    }),
    err: terminal((text) => {
      err += text;
    }),
    env,
  });
  return { code, out, err };
}

export interface Folder {
  readonly path: (name: string) => string;
  readonly write: (name: string, text: string | Uint8Array) => string;
  readonly remove: () => void;
}

export function temporaryFolder(): Folder {
  const folder = mkdtempSync(join(tmpdir(), "ll-batch-"));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The embedded model as a file. */
export async function modelFile(folder: Folder): Promise<string> {
  return folder.write("tiny.bin", await tinyModel("q4_0"));
}

/** Requests of all kinds, a line each. */
export function requests(n: number, maxTokens = 4): string {
  const lines = Array.from({ length: n }, (_, i) => {
    const [url, body] = [
      ["/v1/completions", { prompt: `Number ${i} is`, max_tokens: maxTokens, n: 1 + (i % 2) }],
      ["/v1/chat/completions", { messages: [{ role: "user", content: `What is ${i}?` }], max_tokens: maxTokens }],
      ["/v1/embeddings", { input: `text ${i}`, encoding_format: "base64" }],
    ][i % 4 === 3 ? 2 : i % 2] as [string, object];
    return `${JSON.stringify({ custom_id: `request-${i}`, method: "POST", url, body })}\n`;
  });
  return lines.join("");
}

/** Results of chunks in the folder of a run. */
export function resultsIn(folder: string): number {
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+-\d+-[0-9a-f]+$/.test(name)).length : 0;
}
