// Every file that is opened is closed, whatever fails behind it: Node 26 ends a process in which an open file is collected.
// Counted are calls, so that no collection has to be waited for.

import { spawnSync } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint, openStoredTensors } from "@ll/checkpoint/node";
import { openGgufPath } from "@ll/gguf/node";
import { describe, expect, test } from "vitest";
import { safetensorsFile } from "../../../../packages/checkpoint/test/support/safetensors-writer.ts";
import { headerRows as ggmlHeaders } from "../../../../packages/ggml-format/test/corpus/header-rows.ts";
import { modelRows } from "../../../../packages/ggml-format/test/corpus/model-rows.ts";
import { recordRows } from "../../../../packages/ggml-format/test/corpus/record-rows.ts";
import { headerRows as ggufHeaders } from "../../../../packages/gguf/test/corpus/header-rows.ts";
import { metadataRows } from "../../../../packages/gguf/test/corpus/metadata-rows.ts";
import { tensorRows } from "../../../../packages/gguf/test/corpus/tensor-rows.ts";
import { pieceRows } from "../../../../packages/tokenizer/test/corpus/piece-rows.ts";
import { wireRows } from "../../../../packages/tokenizer/test/corpus/wire-rows.ts";
import { watchFileHandles } from "../../../../tools/file-handles.ts";
import { fixture } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { openGgmlInput } from "../../src/commands/convert-inputs.ts";
import { copyTiny } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const GGML_INPUT = new URL("../../src/commands/convert-inputs.ts", import.meta.url).href;
const LORA_CONFIG = '{"peft_type": "LORA", "r": 1, "lora_alpha": 1}';

/** A folder with one of everything that is opened. */
async function everything(): Promise<string> {
  const folder = await temporaryDirectory();
  const model = join(folder, "model.bin");
  await writeFile(model, await tinyModel("f16"));
  await writeFile(join(folder, "q4_0.bin"), await tinyModel("q4_0"));
  await copyTiny("meta", folder);
  const hf = await copyTiny("hf", folder);
  await writeFile(join(hf, "params.json"), await readFile(fixture("tiny/meta/params.json")));
  await writeFile(join(hf, "added_tokens.json"), "{}");
  await runHere("ll-convert", [model, "--outfile", join(folder, "model.gguf")]);
  await mkdir(join(folder, "lora"));
  await writeFile(join(folder, "lora", "adapter_config.json"), LORA_CONFIG);
  const half = (shape: number[]) => ({ type: "f32", shape, bytes: new Uint8Array(4 * shape[0]! * shape[1]!) });
  const name = "base_model.model.model.layers.0.self_attn.q_proj";
  const pair = [
    [`${name}.lora_A.weight`, half([1, 64])],
    [`${name}.lora_B.weight`, half([64, 1])],
  ] as const;
  await writeFile(join(folder, "lora", "adapter_model.safetensors"), safetensorsFile(new Map(pair)));
  await cp(fixture("tiny/hf/tokenizer.model"), join(folder, "tokenizer.model"));
  await writeFile(join(folder, "sums"), `${"0".repeat(64)}  model.bin\n`);
  await writeFile(join(folder, "chat.json"), "{}");
  await writeFile(join(folder, "text.txt"), "Once upon a time there was a little girl");
  return folder;
}

/** What is run in that folder, and what it opens there. */
const PROGRAMS: readonly (readonly string[])[] = [
  ["ll-convert", "meta", "--outfile", "out.bin"],
  ["ll-convert", "hf", "--outfile", "out.gguf"],
  ["ll-convert", "model.bin", "--outfile", "out.bin"],
  ["ll-convert", "q4_0.bin", "--outfile", "out.bin"],
  ["ll-convert", "model.bin", "--outfile", "out.gguf"],
  ["ll-convert", "model.gguf", "--outfile", "out.bin"],
  ["ll-convert", "model.gguf", "--dump"],
  ["ll-convert", "hf", "--dump"],
  ["ll-convert", "hf", "--vocab-only", "--outfile", "out.bin"],
  ["ll-convert", "model.bin", "--lora", "lora", "--outfile", "out.bin"],
  ["ll-convert", "hf", "--lora", "lora", "--outfile", "out.bin"],
  ["ll-quantize", "model.bin", "out.bin", "q4_0", "1"],
  ["ll-quantize-stats", "model.bin", "--no-progress"],
  ["ll-inspect", "model.gguf"],
  ["ll-imatrix", "model.gguf", "text.txt", "-c", "8", "-t", "1", "-o", "out.gguf"],
  ["ll-tokenize", "tokenizer.model", "a"],
  ["ll-tokenize", "model.gguf", "a"],
  ["ll-verify", "sums"],
  ["ll-chat", "model.bin", "--resume", "chat.json"],
  ["ll-main", "-m", "model.gguf", "-p", "a", "-n", "1", "-t", "1", "--prompt-cache", "session"],
];

/** Paths for the words of a command line that name something in the folder. */
function inFolder(folder: string, argv: readonly string[]): string[] {
  const isName = (word: string) => /\.|^(?:meta|hf|lora|sums|session)$/.test(word) && !word.startsWith("-");
  return argv.map((word) => (isName(word) ? join(folder, word) : word));
}

describe("when the n-th call to the file system fails, for every n", () => {
  test.each(PROGRAMS.map((argv) => [argv.join(" "), argv] as const))(
    "%s",
    { timeout: 240_000 },
    async (_name, argv) => {
      const folder = await everything();
      const [bin = "", ...words] = inFolder(folder, argv);
      const run = async (failAt: number): Promise<number> => {
        const handles = watchFileHandles(failAt);
        try {
          const { code, stderr } = await runHere(bin, words, { LL_CACHE: join(folder, "cache") });
          expect(code, stderr).not.toBe(5);
        } finally {
          handles.restore();
        }
        expect(handles.open(), `left open after call ${failAt}`).toEqual([]);
        return handles.calls();
      };
      const nCalls = await run(Number.POSITIVE_INFINITY);
      expect(nCalls).toBeGreaterThan(3);
      for (let n = 1; n <= Math.min(nCalls, 60); n++) await run(n);
    },
  );

  test.each<[string, (folder: string) => Promise<{ close(): Promise<void> }>]>([
    ["openCheckpoint of three configurations", (folder) => openCheckpoint(join(folder, "hf"))],
    [
      "openCheckpoint of a ggml file",
      (folder) => openCheckpoint(join(folder, "model.bin"), { openGgml: openGgmlInput }),
    ],
    [
      "openCheckpoint of a quantised one",
      (folder) => openCheckpoint(join(folder, "q4_0.bin"), { openGgml: openGgmlInput }),
    ],
    ["openStoredTensors", (folder) => openStoredTensors(join(folder, "meta"))],
    ["openGgufPath", (folder) => openGgufPath(join(folder, "model.gguf"))],
  ])("%s", async (_name, open) => {
    const folder = await everything();
    for (let n = 1, isDone = false; !isDone; n++) {
      const handles = watchFileHandles(n);
      await open(folder)
        .then((file) => file.close())
        .catch(() => undefined)
        .finally(() => handles.restore());
      expect(handles.open(), `left open after call ${n}`).toEqual([]);
      isDone = handles.calls() < n;
    }
  });
});

describe("bad inputs", () => {
  const corpus: readonly (readonly [
    string,
    string,
    readonly { readonly id: string; readonly bytes: Uint8Array | readonly number[] }[],
  ])[] = [
    ["ggml", "bad.bin", [...ggmlHeaders, ...recordRows, ...modelRows]],
    ["GGUF", "bad.gguf", [...ggufHeaders, ...metadataRows, ...tensorRows]],
    ["SentencePiece", "tokenizer.model", [...pieceRows, ...wireRows]],
  ];
  test.each(corpus)(
    "every program closes what it opened of each %s file",
    { timeout: 240_000 },
    async (_kind, name, rows) => {
      const folder = await temporaryDirectory();
      const path = join(folder, name);
      const out = join(folder, "out.bin");
      for (const { id, bytes } of rows) {
        await writeFile(path, Uint8Array.from(bytes));
        const handles = watchFileHandles();
        for (const argv of [
          ["ll-convert", path, "--outfile", out],
          ["ll-convert", path, "--outfile", join(folder, "out.gguf"), "--container", "gguf"],
          ["ll-convert", "--vocab-only", path, "--outfile", out],
          ["ll-quantize", path, out, "q4_0", "1"],
          ["ll-inspect", path],
          ["ll-tokenize", path, "a"],
          ["ll-main", "-m", path, "-n", "1", "-t", "1", "-p", "a", "-q"],
        ]) {
          await runHere(argv[0]!, argv.slice(1));
          expect(handles.open(), `${id}: ${argv.join(" ")}`).toEqual([]);
        }
        handles.restore();
      }
    },
  );
});

test("a process outlives what it refused, also once its garbage is collected", async () => {
  const folder = await everything();
  const script = `
    const { openCheckpoint } = await import("@ll/checkpoint/node");
    const { openGgmlInput } = await import(${JSON.stringify(GGML_INPUT)});
    const error = await openCheckpoint(process.argv[1], { openGgml: openGgmlInput }).catch(({ code }) => code);
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(error);`;
  const nodeArgs = ["--expose-gc", "--conditions=@ll/source", "--input-type=module", "--eval", script];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, join(folder, "q4_0.bin")], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "E_DTYPE\n" });
});
