// The three programs that write a file, with work that takes long enough to be interrupted.

import { readdirSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { writeHf, writeSparseGgjt } from "../models.ts";

/** One command that reads from one folder and writes a file in another. */
export interface OutputJob {
  readonly argv: readonly string[];
  readonly target: string;
  /** The file that the output is made of. */
  readonly input: string;
}

export const JOBS = ["ll-quantize", "ll-convert", "ll-main --prompt-cache"] as const;
export type JobName = (typeof JOBS)[number];

/** Makes the inputs in `inputs` and returns the command that writes to `outputs`. */
export async function prepareJob(name: JobName, inputs: string, outputs: string): Promise<OutputJob> {
  await mkdir(inputs, { recursive: true });
  const target = join(outputs, "out.bin");
  const input = join(inputs, "in.bin");
  switch (name) {
    case "ll-quantize":
      await writeSparseGgjt(input, 12_288); // 96 MiB of f16 become 36 MiB
      return { argv: ["ll-quantize", input, target, "q5_1"], target, input };
    case "ll-convert": {
      const model = await writeHf(join(inputs, "m"), { type: "F32", nFf: 8192, nLayers: 12 }); // 77 MB become 39 MB
      return {
        argv: ["ll-convert", model, "--outfile", target, "--outtype", "f16"],
        target,
        input: join(model, "model.safetensors"),
      };
    }
    case "ll-main --prompt-cache": {
      await writeFile(input, await tinyModel("f16"));
      const prompt = "Once upon a time, there was a little dog. ".repeat(40);
      const options = ["-c", "1024", "-n", "1", "-t", "1", "-s", "1", "--temp", "0"];
      return { argv: ["ll-main", "-m", input, ...options, "-p", prompt, "--prompt-cache", target], target, input };
    }
  }
}

/** Unfinished files beside `target`, with their sizes; of the process `pid` only, if given. */
export function partFiles(target: string, pid?: number): { name: string; bytes: number }[] {
  const start = `.${basename(target)}.${pid === undefined ? "" : `${pid}.`}`;
  const names = readdirSync(dirname(target)).filter((name) => name.startsWith(start) && name.endsWith(".part"));
  return names.flatMap((name) => {
    const stat = statSync(join(dirname(target), name), { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ name, bytes: stat.size }];
  });
}
