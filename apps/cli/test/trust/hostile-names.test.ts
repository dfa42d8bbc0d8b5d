// Names of files that forge lines, colour them, or turn their direction round: in no message of any program.

import { cp, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { captured, runHere, runOn, temporaryDirectory } from "../programs.ts";

const HOSTILE = "x\nFORGED: all is well\r\u202egpj\u2066\u200f\u0085\u009b31m\x1b[2J\x07";

/** Anything but line breaks that `printable` would escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** A folder of that name, with files of that name. */
async function hostileFolder(): Promise<{ readonly folder: string; path(ending: string): string }> {
  const folder = join(await temporaryDirectory(), HOSTILE);
  await mkdir(folder);
  const path = (ending: string): string => join(folder, `${HOSTILE}${ending}`);
  await writeFile(path(".bin"), await tinyModel("f16"));
  await runHere("ll-convert", [path(".bin"), "--outfile", path(".gguf")]);
  await cp(fixture("tiny/hf"), path(".hf"), { recursive: true });
  await cp(fixture("tiny/hf/tokenizer.model"), path(".model"));
  await writeFile(path(".txt"), "Once");
  await writeFile(path(".story"), "Once upon a time there was a little girl");
  await writeFile(path(".sums"), `${"0".repeat(64)}  missing\n`);
  await writeFile(path(".bad"), "no model at all, only some text");
  return { folder, path };
}

type Words = (path: (ending: string) => string) => readonly string[];
const main = ["-n", "1", "-t", "1", "-s", "1", "-p", "Once"];

/** Each with what it reads and writes, in order, and then refused. */
const RUNS: readonly (readonly [string, Words])[] = [
  ["ll-convert", (path) => [path(".hf"), "--outfile", path(".out")]],
  ["ll-convert", (path) => [path(".bin"), "--outfile", path(".out.gguf")]],
  ["ll-convert", (path) => [path(".gguf"), "--dump"]],
  ["ll-convert", (path) => [path(".bin"), "--outfile", path(".bin")]],
  ["ll-convert", (path) => [path(".bad"), "--outfile", path(".out")]],
  ["ll-convert", (path) => [path(".none"), "--outfile", path(".out")]],
  ["ll-convert", (path) => ["--vocab-only", path(""), "--outfile", path(".out")]],
  ["ll-convert", (path) => [path(".bin"), "--lora", path(".hf")]],
  ["ll-quantize", (path) => [path(".bin"), path(".out"), "q4_0", "1"]],
  ["ll-quantize", (path) => ["-q", path(".bin"), path(".out"), "q4_0", "1"]],
  ["ll-quantize", (path) => [path(".bad"), path(".out"), "q4_0"]],
  ["ll-quantize", (path) => [path(".bin"), path(".bin"), "q4_0"]],
  ["ll-quantize-stats", (path) => [path(".bin"), "--svg", path(".svg")]],
  ["ll-quantize-stats", (path) => [path(".bad")]],
  ["ll-inspect", (path) => [path(".gguf")]],
  ["ll-inspect", (path) => [path(".bad")]],
  ["ll-inspect", (path) => [path(".bin"), path(".bin")]],
  ["ll-tokenize", (path) => [path(".model"), "a"]],
  ["ll-tokenize", (path) => [path(".bad"), "a"]],
  ["ll-verify", (path) => [path(".sums")]],
  ["ll-verify", (path) => [path(".bad")]],
  ["ll-verify", (path) => [path(".none")]],
  ["ll-bench", (path) => [path(".bad")]],
  ["ll-main", (path) => ["-m", path(".bin"), ...main, "--prompt-cache", path(".session"), "--prompt-cache-all"]],
  ["ll-main", (path) => ["-m", path(".gguf"), ...main, "--prompt-cache", path(".bad")]],
  ["ll-main", (path) => ["-m", path(".bin"), ...main, "--lora", path(".bad"), "--lora-base", path(".bin")]],
  ["ll-main", (path) => ["-m", path(".bad"), ...main]],
  ["ll-main", (path) => ["-m", path(".none"), ...main]],
  ["ll-main", (path) => ["-m", path(".hf"), ...main]],
  ["ll-main", (path) => ["-m", path(".bin"), "-f", path(".none")]],
  ["ll-main", (path) => ["-m", path(".bin"), ...main, "--grammar-file", path(".bad")]],
  ["ll-main", (path) => [path(".unknown")]],
  ["ll-perplexity", (path) => ["-m", path(".bin"), "-f", path(".txt"), "-t", "1"]],
  ["ll-imatrix", (path) => [path(".bin"), path(".story"), "-c", "8", "-t", "1", "-o", path(".out")]],
  ["ll-imatrix", (path) => [path(".bin"), path(".txt"), "-o", path(".out")]],
  ["ll-imatrix", (path) => [path(".bad"), path(".none")]],
  ["ll-embedding", (path) => ["-m", path(".bad"), "-p", "a"]],
  ["ll-chat", (path) => [path(".bin"), "--resume", path(".bad")]],
  ["ll-chat", (path) => [path(".bin"), "--template", path(".bad")]],
  ["ll-chat", (path) => [path(".bad")]],
  ["ll", (path) => [path("")]],
];

describe.each(RUNS)("%s", (bin, words) => {
  test.each([
    ["on a terminal", true],
    ["in a pipe", false],
  ])(`shows hostile names escaped, ${words((ending) => ending).join(" ")}, %s`, async (_where, isTTY) => {
    const { folder, path } = await hostileFolder();
    const [out, err] = [captured(isTTY), captured(isTTY)];
    const code = await runOn(bin, words(path), { out, err, env: { LL_CACHE: join(folder, "cache") } });
    expect(code, err.text()).not.toBe(5);
    // a program that reads the path from a pipe needs it as it is
    const shown = isTTY ? [out.text(), err.text()] : [err.text()];
    for (const text of shown) {
      const lines = text.replaceAll("\x1b[K", "").replaceAll("\r", "\n").split("\n");
      expect(lines.filter((line) => line.startsWith("FORGED"))).toEqual([]);
      expect(lines.filter((line) => UNSAFE.test(line))).toEqual([]);
    }
  });
});

test("the path on standard output is the file, byte for byte, for a program that reads it", async () => {
  const { path } = await hostileFolder();
  const { stdout } = await runHere("ll-convert", [path(".bin"), "--outfile", path(".out")]);
  expect(stdout).toBe(`${path(".out")}\n`);
  await rename(stdout.slice(0, -1), path(".moved"));
});
