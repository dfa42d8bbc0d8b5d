// Makes files: each by a whole run of ll-quantize or ll-convert, in this process.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { IoError } from "@ll/bytes";
import { type Command, ExitCode, type Io, manifestVersion, runReported } from "@ll/cli/frame";
import { convertCommand, quantizeCommand } from "@ll/cli/jobs";
import type { JobRunner } from "../jobs/job-kind.ts";
import { oneByOne } from "../jobs/one-by-one.ts";

const COMMANDS: Readonly<Record<FileJob["program"], Command>> = {
  "ll-convert": convertCommand,
  "ll-quantize": quantizeCommand,
};

/** One file that is to be made. */
export interface FileJob {
  readonly program: "ll-convert" | "ll-quantize";
  readonly argv: readonly string[];
  readonly output: string;
  /** Of what it is made of: another file under its name is other work. */
  readonly input: { readonly bytes: number; readonly changed: number };
}

/** What became of it. */
export interface MadeFile {
  readonly output: string;
  readonly bytes?: number;
  readonly sha256?: string;
  /** What the program said at last. */
  readonly error?: string;
}

/** What files depend on besides their inputs and options. */
export const FILE_TERMS: Readonly<Record<"version", string>> = { version: manifestVersion() };

export function fileRunner(env: Io["env"]): JobRunner {
  return oneByOne({
    facts: FILE_TERMS,
    async run(payload) {
      let text = "";
      let failed = 0;
      for (const job of JSON.parse(payload) as readonly FileJob[]) {
        const made = await make(job, env);
        if (made.error !== undefined) failed++;
        text += `${JSON.stringify(made)}\n`;
      }
      return { text, failed };
    },
    close: async () => undefined,
  });
}

/** @throws IoError for what another time or another machine may do */
async function make({ program, argv, output }: FileJob, env: Io["env"]): Promise<MadeFile> {
  let said = "";
  const terminal = (write: (text: string) => void): Io["out"] => ({
    ...{ isTty: false, columns: 80, isMidLine: false, control: () => undefined, drained: async () => undefined },
    write: (text) => write(typeof text === "string" ? text : new TextDecoder().decode(text)),
  });
  const err = terminal((piece) => {
    said = `${said}${piece}`.slice(-4096);
  });
  const io: Io = { out: terminal(() => undefined), err, env };
  const code = await runReported(program, argv, io, () => COMMANDS[program](program, argv, io));
  const last = said.trimEnd().split("\n").slice(-2).join("; ");
  if (code === ExitCode.environment) throw new IoError({ code: "E_IO", message: `${output}: ${last}` });
  if (code !== ExitCode.ok) return { output, error: last };
  const hash = createHash("sha256");
  for await (const piece of createReadStream(output)) hash.update(piece as Uint8Array);
  return { output, bytes: (await stat(output)).size, sha256: hash.digest("hex") };
}
