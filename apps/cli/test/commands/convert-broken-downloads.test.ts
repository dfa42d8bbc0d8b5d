// Folders as a download, an editor or a shell leaves them: what is wrong with them is said, or it does not matter.

import { readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyTiny } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

async function converted(change: (folder: string) => Promise<void>): Promise<{ code: number | null; stderr: string }> {
  const directory = await temporaryDirectory();
  const folder = await copyTiny("hf", directory);
  await change(folder);
  return runHere("ll-convert", [folder, "--outfile", join(directory, "out.bin"), "-q"]);
}

/** The bytes of config.json as `encode` writes them. */
const config = (encode: (text: string) => Uint8Array) => (folder: string) => {
  const path = join(folder, "config.json");
  return writeFile(path, encode(readFileSync(path, "utf8")));
};

const LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 499723\n";

test.each<[string, (folder: string) => Promise<void>, string]>([
  [
    "a Git LFS pointer instead of tokenizer.model",
    (folder) => writeFile(join(folder, "tokenizer.model"), LFS_POINTER),
    "not a SentencePiece model but a Git LFS pointer: the file itself has not been fetched",
  ],
  [
    "a sentence instead of weights",
    (folder) => writeFile(join(folder, "model.safetensors"), "Access to model example/llama is restricted.\n"),
    "not a safetensors file: text: the download went wrong",
  ],
  [
    "a configuration in UTF-16",
    config((text) => Buffer.from(`\ufeff${text}`, "utf16le")),
    "config.json: a text in UTF-16, which JSON is not read from: save it as UTF-8",
  ],
  [
    "only tokenizer.json",
    async (folder) => {
      await rm(join(folder, "tokenizer.model"));
      await writeFile(join(folder, "tokenizer.json"), "{}");
    },
    "tokenizer.json is there and is not read: take the tokenizer.model",
  ],
  [
    "the second of two parts alone",
    (folder) => rename(join(folder, "model.safetensors"), join(folder, "model-00002-of-00002.safetensors")),
    'file "model-00001-of-00002.safetensors" of the model is missing',
  ],
])("%s", async (_what, change, message) => {
  const { code, stderr } = await converted(change);
  expect([1, 3]).toContain(code);
  expect(stderr).toContain(message);
});

test("a configuration with a byte order mark is read", async () => {
  expect(await converted(config((text) => Buffer.from(`\ufeff${text}`)))).toMatchObject({ code: 0, stderr: "" });
});
