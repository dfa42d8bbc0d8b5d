// ll-imatrix: what it writes, that it is the same however it is computed, and what it refuses.

import { existsSync, readFileSync } from "node:fs";
import { copyFile, link, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "@ll/bytes";
import { openImportance } from "@ll/convert";
import { openGguf } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { splitInTwo } from "../gguf-model.ts";
import { sha256File, writeGgjt } from "../models.ts";
import { captured, ended, runHere, runOn, slowClock, start, temporaryDirectory } from "../programs.ts";

const STORY = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ".repeat(6);

/** A folder with the embedded model as ggjt and GGUF files, and a text. */
async function folderWithModel(): Promise<(name: string) => string> {
  const folder = await temporaryDirectory();
  const at = (name: string): string => join(folder, name);
  await writeFile(at("model.bin"), await tinyModel("f16"));
  await writeFile(at("text.txt"), STORY);
  await runHere("ll-convert", [at("model.bin"), "--outfile", at("model.gguf")]);
  return at;
}

/** Sums and counts of a file, by the names of its tensors. */
async function numbersIn(path: string): Promise<Map<string, Float32Array>> {
  const file = await openGguf(memorySource(new Uint8Array(readFileSync(path)), path));
  const numbers = new Map<string, Float32Array>();
  for (const tensor of file.tensors) {
    const values = new Float32Array(tensor.byteLength / 4);
    await tensor.read(0, new Uint8Array(values.buffer));
    numbers.set(tensor.name, values);
  }
  return numbers;
}

describe("the file", () => {
  test("has sums for every product, and drives ll-quantize", async () => {
    const at = await folderWithModel();
    const { code, stdout } = await runHere("ll-imatrix", [at("model.gguf"), at("text.txt"), "-o", at("i"), "-c", "32"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${at("i")}\n` });

    const importance = await openImportance(memorySource(new Uint8Array(readFileSync(at("i"))), "i"));
    const model = await openGguf(memorySource(new Uint8Array(readFileSync(at("model.gguf"))), "model"));
    const matrices = model.tensors.filter(({ name, shape }) => shape.length === 2 && name !== "token_embd.weight");
    expect([...importance.entries.keys()].sort()).toEqual(matrices.map(({ name }) => name).sort());
    for (const { name, shape } of matrices) expect(importance.entries.get(name)?.length).toBe(shape[1]);
    expect([importance.datasets, importance.nChunks]).toEqual([["text.txt"], 4]);

    const quantize = async (name: string, ...options: string[]): Promise<string> => {
      const outcome = await runHere("ll-quantize", [...options, at("model.gguf"), at(name), "q4_k_m"]);
      expect(outcome.code, outcome.stderr).toBe(0);
      return sha256File(at(name));
    };
    expect(await quantize("weighted.gguf", "--imatrix", at("i"))).not.toBe(await quantize("plain.gguf"));
    const weighted = await openGguf(memorySource(new Uint8Array(readFileSync(at("weighted.gguf"))), "weighted"));
    expect(weighted.metadata.get("quantize.imatrix.entries_count")).toMatchObject({ value: matrices.length });
    expect(weighted.metadata.get("quantize.imatrix.chunks_count")).toMatchObject({ value: 4 });
  });

  test("is the same with any number of threads, any kernels and any batches", async () => {
    const at = await folderWithModel();
    const hashes: string[] = [];
    const runs: readonly (readonly [env: Record<string, string>, options: readonly string[]])[] = [
      [{ LL_KERNEL: "scalar" }, ["-t", "1"]],
      [{}, ["-t", "1", "-b", "7"]],
      [{}, ["-t", "2"]],
      [{}, ["-t", "3", "-b", "31"]],
    ];
    const argv = ["-m", at("model.gguf"), "-f", at("text.txt"), "-o", at("i"), "-c", "24", "--chunks", "2"];
    for (const [env, options] of runs) {
      const outcome = await runHere("ll-imatrix", [...argv, ...options], env);
      expect(outcome.code, outcome.stderr).toBe(0);
      hashes.push(await sha256File(at("i")));
    }
    expect(new Set(hashes).size).toBe(1);
  });

  test("a ggjt file gives the names of GGUF files; the arithmetic is that of the file, or the one that is asked for", async () => {
    const at = await folderWithModel();
    const measure = async (model: string, ...options: string[]): Promise<string> => {
      const argv = [at(model), at("text.txt"), "-c", "32", "-t", "1", "--output", at("i"), ...options];
      expect((await runHere("ll-imatrix", argv)).code).toBe(0);
      return sha256File(at("i"));
    };
    const ofGguf = await measure("model.gguf");
    const names = [...(await numbersIn(at("i"))).keys()];
    const ofGgjt = await measure("model.bin");
    expect([...(await numbersIn(at("i"))).keys()]).toEqual(names);
    expect(ofGgjt).not.toBe(ofGguf);
    expect(await measure("model.gguf", "--arithmetic", "build803")).toBe(ofGgjt);
  });

  test("as a process of its own, of standard input", async () => {
    const at = await folderWithModel();
    const options = ["-m", at("model.gguf"), "-c", "32", "-t", "1"];
    expect((await runHere("ll-imatrix", [...options, "-f", at("text.txt"), "-o", at("file")])).code).toBe(0);
    const child = start(["ll-imatrix", ...options, "-f", "-", "-o", at("process"), "-q"]);
    child.stdin?.write(STORY);
    expect(await ended(child)).toMatchObject({ code: 0, stderr: "", stdout: `${at("process")}\n` });
    expect(await numbersIn(at("process"))).toEqual(await numbersIn(at("file")));
    expect((await numbersIn(at("file"))).get("output.weight.counts")).toEqual(Float32Array.of(128));
  });
});

describe("what is said", () => {
  test("--json: one object about the file", async () => {
    const at = await folderWithModel();
    const argv = ["-m", at("model.bin"), "-f", at("text.txt"), "-o", at("i"), "-c", "16", "--chunks", "2", "-t", "1"];
    const { stdout, stderr, code } = await runHere("ll-imatrix", [...argv, "--json", "-q"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    const { entries, ...rest } = report;
    expect(rest).toMatchObject({
      version: 1,
      model: at("model.bin"),
      text: at("text.txt"),
      file: at("i"),
      warnings: [],
    });
    expect(rest).toMatchObject({ threads: 1, arithmetic: "build803", chunks: 2, chunkTokens: 16 });
    expect(rest.bytes).toBe(readFileSync(at("i")).length);
    const run = await runHere("ll-main", ["-m", at("model.bin"), "-t", "1", "-n", "1", "-p", "a", "--json"]);
    expect(rest.fingerprint).toBe(JSON.parse(run.stdout).fingerprint);
    expect(entries.find(({ name }: { name: string }) => name === "blk.0.ffn_down.weight")).toEqual({
      name: "blk.0.ffn_down.weight",
      columns: 352,
      tokens: [32],
    });
  });

  test("progress: chunks, on standard error", async () => {
    const at = await folderWithModel();
    const err = captured(true);
    const argv = [at("model.gguf"), at("text.txt"), "-o", at("i"), "-c", "32", "-t", "1"];
    await runOn("ll-imatrix", argv, { out: captured(), err, env: {}, now: slowClock() });
    expect(err.text()).toContain(`4 chunks of 32 tokens from ${at("text.txt")}\n`);
    expect(err.text()).toMatch(/2 of 4 chunks {2}ETA /);
    const silent = captured(true);
    await runOn("ll-imatrix", [...argv, "--no-progress"], { out: captured(), err: silent, env: {}, now: slowClock() });
    expect(silent.text()).not.toContain("of 4 chunks  ETA");
  });
});

describe("what is refused leaves no file", () => {
  test.each<[string, number, (at: (name: string) => string) => string[], string]>([
    ["no text", 2, (at) => ["-m", at("model.bin")], "no text given: name one behind -f"],
    ["too many arguments", 2, (at) => [at("model.bin"), at("text.txt"), "x"], "unexpected argument 'x'"],
    ["no chunks", 2, (at) => [at("model.bin"), at("text.txt"), "--chunks", "0"], "expected at least 1"],
    ["no number", 2, (at) => [at("model.bin"), at("text.txt"), "--chunks", "all"], "expected a whole number"],
    ["a text that is not there", 4, (at) => [at("model.bin"), at("none.txt")], "failed to open"],
    ["a model that is not there", 4, (at) => [at("none.bin"), at("text.txt")], "failed to open"],
    ["a model that is none", 3, (at) => [at("text.txt"), at("text.txt")], "text.txt"],
    ["a folder", 1, (at) => [at(""), at("text.txt")], "is a directory: name the model file in it"],
    [
      "a text that fills no chunk",
      1,
      (at) => [at("model.bin"), at("text.txt")],
      "a chunk takes 512 tokens and the text has",
    ],
    [
      "the model as output",
      1,
      (at) => [at("model.bin"), at("text.txt"), "-c", "8", "-o", at("model.bin")],
      "model.bin",
    ],
    ["the text as output", 1, (at) => [at("model.bin"), at("text.txt"), "-c", "8", "-o", at("link.txt")], "link.txt"],
    [
      "a file that is there",
      1,
      (at) => [at("model.bin"), at("text.txt"), "-c", "8", "-o", at("old"), "--no-clobber"],
      "old",
    ],
    ["no folder to write to", 4, (at) => [at("model.bin"), at("text.txt"), "-c", "8", "-o", at("none/i")], "none"],
  ])("%s", async (_name, code, argv, message) => {
    const at = await folderWithModel();
    await link(at("text.txt"), at("link.txt"));
    await writeFile(at("old"), "old");
    const before = await readdir(at(""));
    const model = await sha256File(at("model.bin"));
    for (const more of [[], ["--json"], ["-q"]]) {
      const words = argv(at);
      const own = words.some((word) => word === "-o") ? [] : ["-o", at("out")];
      const outcome = await runHere("ll-imatrix", [...words, ...own, "-t", "1", ...more]);
      expect(outcome).toMatchObject({ code, stdout: "" });
      expect(outcome.stderr).toContain(message);
    }
    expect(await readdir(at(""))).toEqual(before);
    expect(await sha256File(at("model.bin"))).toBe(model);
    expect([readFileSync(at("link.txt"), "utf8"), readFileSync(at("old"), "utf8")]).toEqual([STORY, "old"]);
  });

  test("any file of a set as output", async () => {
    const at = await folderWithModel();
    const names = ["set-00001-of-00002.gguf", "set-00002-of-00002.gguf"] as const;
    await splitInTwo(new Uint8Array(readFileSync(at("model.gguf"))), at("set"));
    const argv = [at(names[0]), at("text.txt"), "-c", "32", "-t", "1", "-o"];
    for (const name of names) {
      const before = await sha256File(at(name));
      const { code, stderr } = await runHere("ll-imatrix", [...argv, at(name)]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(name) });
      expect(await sha256File(at(name))).toBe(before);
    }
    expect((await runHere("ll-imatrix", [...argv, at("of-set")])).code).toBe(0);
    await runHere("ll-imatrix", [at("model.gguf"), ...argv.slice(1), at("of-one")]);
    expect(await sha256File(at("of-set"))).toBe(await sha256File(at("of-one")));
  });

  test("a model that computes no numbers", async () => {
    const at = await folderWithModel();
    const bytes = (n: number, x: number): Uint8Array => new Uint8Array(new Float32Array(n).fill(x).buffer);
    const matrix = (name: string): { name: string; shape: number[] } => ({ name, shape: [32, 32] });
    await writeGgjt(at("nan.bin"), [
      { name: "tok_embeddings.weight", shape: [4, 32], bytes: bytes(128, 1) },
      { name: "norm.weight", shape: [32], bytes: bytes(32, 1) },
      { name: "output.weight", shape: [4, 32] },
      ...["wq", "wk", "wv", "wo"].map((name) => matrix(`layers.0.attention.${name}.weight`)),
      { name: "layers.0.attention_norm.weight", shape: [32], bytes: bytes(32, Number.NaN) },
      { name: "layers.0.feed_forward.w1.weight", shape: [96, 32] },
      { name: "layers.0.feed_forward.w2.weight", shape: [32, 96] },
      { name: "layers.0.feed_forward.w3.weight", shape: [96, 32] },
      { name: "layers.0.ffn_norm.weight", shape: [32], bytes: bytes(32, 1) },
    ]);
    await writeFile(at("letters.txt"), "abcdabcdabcd");
    const argv = [at("nan.bin"), at("letters.txt"), "-c", "8", "-t", "1", "-o", at("i")];
    const { code, stderr, stdout } = await runHere("ll-imatrix", argv);
    expect({ code, stdout }, stderr).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("what meets 'blk.0.attn_k.weight' adds up to NaN");
    expect(existsSync(at("i"))).toBe(false);
  });

  test("what was there before is whole", async () => {
    const at = await folderWithModel();
    await copyFile(at("text.txt"), at("imatrix.gguf"));
    expect((await runHere("ll-imatrix", [at("model.bin"), at("none.txt"), "-o", at("imatrix.gguf")])).code).toBe(4);
    expect(readFileSync(at("imatrix.gguf"), "utf8")).toBe(STORY);
  });
});

describeWithTestData("families with experts", () => {
  test.each(["qwen3moe", "mixtral", "gpt-oss"])(
    "%s: counted by their tokens, and used by ll-quantize",
    async (name) => {
      const at = await folderWithModel();
      const model = testData(`models/families/${name}/model.gguf`);
      const measure = ["-m", model, "-f", at("text.txt"), "-o", at("i"), "-t", "2", "-c", "16", "--chunks", "1"];
      const { code, stderr } = await runHere("ll-imatrix", measure);
      expect(code, stderr).toBe(0);
      const numbers = await numbersIn(at("i"));
      const counts = [...numbers].filter(([tensor]) => tensor.endsWith("_exps.weight.counts"));
      expect(counts.length).toBeGreaterThan(0);
      const unseen = counts.reduce((sum, [, ofExperts]) => sum + ofExperts.filter((count) => count === 0).length, 0);
      for (const [, ofExperts] of counts) expect(ofExperts.reduce((sum, count) => sum + count, 0) % 16).toBe(0);
      if (unseen > 0) expect(stderr).toContain(`warning: ${unseen} matrices of experts in `);
      else expect(stderr).not.toContain("met no token");
      const quantized = await runHere("ll-quantize", ["--imatrix", at("i"), "--pure", model, at("out.gguf"), "q4_k_m"]);
      expect(quantized.code, quantized.stderr).toBe(0);
    },
  );
});
