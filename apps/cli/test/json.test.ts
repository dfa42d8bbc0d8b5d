// --json of the programs that run a model or write a file: one object on standard output, at the end, or nothing if it fails.

import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { tinyModel } from "../../../tools/tiny-model.ts";
import { writeGgjt, writeHf } from "./models.ts";
import { runHere, temporaryDirectory } from "./programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-json-"));
const at = (name: string): string => join(directory, name);
const model = at("model.bin");
const STORY = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ".repeat(4);
beforeAll(async () => {
  writeFileSync(model, await tinyModel("f16"));
  writeFileSync(at("text.txt"), STORY);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The object that a program prints; with `-q`, there is nothing else anywhere. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what is tested
async function objectOf(bin: string, ...argv: string[]): Promise<any> {
  const { code, stdout, stderr } = await runHere(bin, [...argv, "--json", "-q"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const object = JSON.parse(stdout);
  expect(object.version).toBe(1);
  return object;
}

const RUN = ["-m", model, "-t", "1", "--temp", "0"];

describe("ll-main", () => {
  const main = (...argv: string[]) => objectOf("ll-main", ...RUN, "-s", "3", "-p", "Once upon a time", ...argv);

  test("prompt, text and ids are those that it prints without", async () => {
    const object = await main("-n", "4");
    const { stdout } = await runHere("ll-main", [...RUN, "-p", "Once upon a time", "-n", "4"]);
    expect(object.prompt.text + object.text).toBe(stdout);
    expect((await runHere("ll-detokenize", [model, ...object.ids.map(String)])).stdout).toBe(object.text);
    expect(object).toMatchObject({ model, seed: 3, threads: 1, finish: "length", warnings: [] });
    expect(object.prompt.ids[0]).toBe(1);
    expect(object.timings).toMatchObject({ samples: 4, promptTokens: object.prompt.ids.length, evalTokens: 3 });
  });

  test("says why it ended", async () => {
    expect((await main("-n", "9", "-l", "2+100")).finish).toBe("eos");
    expect(await main("-n", "9", "-r", ",")).toMatchObject({ finish: "stop", text: "," });
    expect((await main("-n", "-2", "-c", "16")).finish).toBe("full");
  });

  test("is for one text: no conversation, no test of memory", async () => {
    for (const option of ["--interactive", "--mtest", "--perplexity", "--embedding"]) {
      const { code, stdout, stderr } = await runHere("ll-main", [...RUN, "-p", "a", "--json", option]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`--json and ${option} exclude each other`);
    }
  });

  test("without -q, standard error is as ever; no colour is anywhere", async () => {
    const { stdout, stderr } = await runHere("ll-main", [...RUN, "-p", "a", "-n", "1", "--json", "--color"]);
    expect(JSON.parse(stdout).ids).toHaveLength(1);
    expect(stdout).not.toContain("\u001b");
    expect(stdout.indexOf("\n")).toBe(stdout.length - 1);
    expect(stderr).toMatch(/^main: build = 803 .*\nllama_print_timings: +total time = /s);
  });
});

describe("ll-perplexity", () => {
  test("value and windows are those that it prints without", async () => {
    const argv = [...RUN, "-f", at("text.txt"), "-c", "16"];
    const object = await objectOf("ll-perplexity", ...argv);
    const { stdout } = await runHere("ll-perplexity", argv);
    const shown = object.windows.map(({ soFar }: { soFar: number }, i: number) => `[${i + 1}]${soFar.toFixed(4)},`);
    expect(`${shown.join("")}\n`).toBe(stdout);
    expect(object.value).toBe(object.windows.at(-1).soFar);
    expect(object.windows.every(({ scored }: { scored: number }) => scored === 7)).toBe(true);
    expect(object.scored).toBe(7 * object.windows.length);
    // of two windows of the same size the first has the perplexity so far, both have their geometric mean
    const [first, second] = object.windows;
    expect(first.perplexity).toBe(first.soFar);
    expect(Math.sqrt(first.perplexity * second.perplexity)).toBeCloseTo(second.soFar, 8); // double: 16 digits
    expect(object.error).toBeGreaterThan(0);
    expect(object.error).toBeLessThan(object.value);
  });

  test("a single number has no error", async () => {
    const { error } = await objectOf("ll-perplexity", ...RUN, "-f", at("text.txt"), "-c", "8", "--chunks", "0");
    expect(error).toBeNull();
  });

  test("--hellaswag", async () => {
    const task = "The dog:\n1\nran away.\nsat down.\nate the moon.\nwas the of.\n";
    writeFileSync(at("tasks.txt"), task + task.replace("\n1\n", "\n0\n"));
    const object = await objectOf("ll-perplexity", ...RUN, "-f", at("tasks.txt"), "--hellaswag");
    expect(object).toMatchObject({ tasks: 2, value: 50 * object.right });
    expect(object.right).toBeLessThan(2);
  });
});

test("ll-embedding", async () => {
  const argv = [...RUN, "-p", "Once upon a time"];
  const { tokens, embedding } = await objectOf("ll-embedding", ...argv);
  const { stdout } = await runHere("ll-embedding", argv);
  expect(embedding.map((value: number) => `${value.toFixed(6)} `).join("")).toBe(`${stdout.trimEnd()} `);
  expect([tokens, embedding.length]).toEqual([5, 128]);
  expect(Array.from(Float32Array.from(embedding))).toEqual(embedding);
});

describe("ll-quantize and ll-convert", () => {
  test("what they wrote is told as ll-inspect tells it, and known by the number that ll-main gives", async () => {
    for (const [bin, argv, file] of [
      ["ll-quantize", [model, at("q4_0.bin"), "q4_0"], at("q4_0.bin")],
      ["ll-convert", [model, "--outfile", at("model.gguf")], at("model.gguf")],
      ["ll-convert", [fixture("tiny/hf"), "--outfile", at("hf.bin")], at("hf.bin")],
    ] as const) {
      const object = await objectOf(bin, ...argv);
      const { bytes, format, types, tensors } = JSON.parse((await runHere("ll-inspect", [file, "--json"])).stdout);
      expect(object).toMatchObject({ input: argv[0], file, bytes, format, types, tensors, warnings: [] });
      expect(object.bytes).toBe(statSync(file).size);
      const run = await objectOf("ll-main", "-m", file, "-t", "1", "-n", "1", "-p", "a");
      expect(object.fingerprint).toMatch(/^[0-9a-f]{16}$/);
      expect(object.fingerprint).toBe(run.fingerprint);
    }
  });

  test("what was warned of is in it", async () => {
    const folder = await temporaryDirectory();
    const hf = await writeHf(join(folder, "hf"), { config: { rms_norm_eps: 1e-5, rope_theta: 5000 } });
    const { warnings } = await objectOf("ll-convert", hf, "--outfile", join(folder, "out.bin"));
    expect(warnings).toEqual(["The file cannot say so: run this model with -eps 1e-5 --rope-freq-base 5000"]);
    const values = Uint8Array.from(new Uint8Array(Float32Array.of(...new Array(31).fill(1), Number.NaN).buffer));
    const spoiled = await writeGgjt(join(folder, "in.bin"), [{ name: "a.weight", shape: [1, 32], bytes: values }]);
    const quantized = await objectOf("ll-quantize", spoiled, "q4_0", "--allow-nonfinite");
    expect(quantized.warnings).toEqual([expect.stringContaining("1 NaN")]);
  });

  test("a vocabulary, and what --dump lists", async () => {
    const vocab = await objectOf("ll-convert", fixture("tiny/hf"), "--vocab-only", "--outfile", at("vocab.bin"));
    expect(vocab).toMatchObject({ file: at("vocab.bin"), tensors: [] });
    const dump = await objectOf("ll-convert", "--dump", model);
    expect(dump).toMatchObject({ files: [model], format: "ggml" });
    expect(dump.tensors[0]).toEqual({ name: "tok_embeddings.weight", type: "f16", shape: [1024, 128], bytes: 262144 });
  });
});

describe("if it fails, standard output stays empty", () => {
  test.each([
    ["ll-main", 4, ["-m", "/nonexistent"]],
    ["ll-main", 2, [model, "--temp", "hot"]],
    ["ll-main", 1, [...RUN, "-c", "8", "-p", STORY]],
    ["ll-perplexity", 1, [...RUN, "-p", "Once"]],
    ["ll-imatrix", 1, ["-m", model, "-f", at("text.txt"), "-c", "100000"]],
    ["ll-embedding", 1, [...RUN, "-c", "8", "-p", STORY]],
    ["ll-quantize", 4, ["/nonexistent", "q4_0"]],
    ["ll-quantize", 2, [model, "--no-such-option", "q4_0"]],
    ["ll-quantize", 1, [model, model, "q4_0"]],
    ["ll-convert", 4, ["/nonexistent"]],
    ["ll-convert", 1, [fixture("tiny/hf"), "--vocab-dir", tmpdir()]],
  ])("%s, exit code %d: %j", async (bin, code, argv) => {
    for (const more of [[], ["-q"]]) {
      const outcome = await runHere(bin, [...argv, "--json", ...more]);
      expect(outcome).toMatchObject({ code, stdout: "" });
      expect(outcome.stderr).not.toBe("");
    }
  });

  test("a file that is complete was written before its object", async () => {
    const path = join(await temporaryDirectory(), "model.bin");
    await copyFile(model, path);
    await objectOf("ll-quantize", path, "q8_0");
    expect(existsSync(join(path, "../ggml-model-Q8_0.bin"))).toBe(true);
  });
});
