// What the page has to come to: files that the programs of the command line make, and text that the libraries generate on Node.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModel } from "@ll/chat";
import { createHandler } from "@ll/openai-api";
import { fixture } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";

const CLI = join(import.meta.dirname, "..", "..", "..", "cli", "src", "bin.ts");

export interface MadeByNode {
  /** Paths of model files. */
  readonly q4_0: string;
  readonly f16: string;
  readonly gguf: string;
  /** Hashes of what is made of them. */
  readonly ggjtHash: string;
  /** Of Meta's files, which say another multiple of the sizes of layers. */
  readonly metaHash: string;
  readonly ggufHash: string;
  /** What the Q4_0 model goes on with. */
  readonly text: string;
  remove(): void;
}

export const PROMPT = "Once upon a time";
export const SETTINGS = { seed: 1, max_tokens: 60 } as const;

export async function makeByNode(): Promise<MadeByNode> {
  const folder = mkdtempSync(join(tmpdir(), "ll-static-"));
  const place = (name: string): string => join(folder, name);
  const [q4_0, f16, gguf] = [place("tiny-q4_0.bin"), place("tiny-f16.bin"), place("tiny.gguf")];
  writeFileSync(q4_0, await tinyModel("q4_0"));
  writeFileSync(f16, await tinyModel("f16"));
  run("convert", fixture("tiny/hf"), "--outfile", gguf);
  run("quantize", gguf, place("small.gguf"), "q4_0");
  run("convert", fixture("tiny/meta"), "--outfile", place("meta.bin"));
  run("quantize", place("meta.bin"), place("small.bin"), "q4_0");
  const hash = (name: string): string =>
    createHash("sha256")
      .update(readFileSync(place(name)))
      .digest("hex");
  const golden = JSON.parse(readFileSync(fixture("tiny/golden/tiny-quantize.json"), "utf8"));
  return {
    ...{ q4_0, f16, gguf },
    ggjtHash: golden.cases.find((one: { type: string }) => one.type === "q4_0").sha256,
    metaHash: hash("small.bin"),
    ggufHash: hash("small.gguf"),
    text: await generated(await tinyModel("q4_0")),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function run(program: string, ...args: string[]): void {
  const argv = ["--conditions=@ll/source", "--no-warnings", CLI, program, ...args];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

async function generated(bytes: Uint8Array): Promise<string> {
  const model = await openModel(bytes, { threads: 1 });
  const body = JSON.stringify({ prompt: PROMPT, ...SETTINGS });
  const headers = { "content-type": "application/json" };
  const response = await createHandler(model)("http://ll.invalid/v1/completions", { method: "POST", headers, body });
  const { choices } = (await response.json()) as { choices: { text: string }[] };
  await model.dispose();
  return choices[0]?.text ?? "";
}
