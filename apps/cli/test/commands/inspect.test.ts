import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { llamaPairs, tinyGguf, withKeys, writeGguf } from "../gguf-model.ts";
import { writeGgjt } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";
import { serveFile } from "../web-server.ts";

const N_LAYERS = 6;
const KV_DIM = 128;

async function tinyFile(): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("q4_0"));
  return path;
}

/** The readable engine works in next to nothing, so that its figures are those of weights and cache. */
const SCALAR = { LL_KERNEL: "scalar" };

test("types, memory and hyper-parameters as tables; tensors on request", async () => {
  const path = await tinyFile();
  const { code, stdout, stderr } = await runHere("ll-inspect", [path], SCALAR);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.replace(path, "model.bin").split("\n");
  expect(lines.slice(0, 33).join("\n")).toMatchInlineSnapshot(`
    "model.bin: ggjt v3 (latest), 826.56 KiB

    family     llama
    tokenizer  SentencePiece, 1,024 pieces
    template   none
    context    2,048 tokens
    weights    1,468,032: q4_0 99 %, f32 1 %; mostly Q4_0
    runs here  yes

    type  tensors    weights        size  bits per weight
    q4_0       44  1,466,368  805.50 KiB             4.50
    f32        13      1,664    6.50 KiB            32.00
    all        57  1,468,032  812.00 KiB             4.53

    memory requirements     weights  KV cache (f16)      total
    context 512          812.00 KiB        1.50 MiB   2.29 MiB
    context 2048         812.00 KiB        6.00 MiB   6.79 MiB
    context 4096         812.00 KiB       12.00 MiB  12.79 MiB

    n_vocab  1024
    n_embd   128
    n_mult   176
    n_head   4
    n_layer  6
    n_rot    32
    ftype    2 (mostly Q4_0)

    --tensors lists all 57
    "
  `);
  const all = (await runHere("ll-inspect", [path, "--tensors"], SCALAR)).stdout.split("\n");
  expect(all.slice(0, 27)).toEqual([stdout.split("\n")[0], ...lines.slice(1, 27)]);
  expect(all.slice(-58, -55).join("\n")).toMatchInlineSnapshot(`
    "tok_embeddings.weight            q4_0  1024 × 128  72.00 KiB   11360
    norm.weight                      f32          128  512 bytes   85120
    output.weight                    q4_0  1024 × 128  72.00 KiB   85696"
  `);
  expect(all.at(-2)).toBe("layers.5.ffn_norm.weight         f32          128  512 bytes  845888");
});

test("--json holds the same in numbers", async () => {
  const path = await tinyFile();
  const { code, stdout } = await runHere("ll-inspect", [path, "--json"], SCALAR);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual([
    "version",
    "file",
    "bytes",
    "format",
    "family",
    "tokenizer",
    "template",
    "contextTokens",
    "fileType",
    "types",
    "runs",
    "whyNot",
    "fields",
    "unread",
    "tensors",
    "memory",
    "warnings",
  ]);
  expect(report).toMatchObject({
    version: 2,
    file: path,
    bytes: 846_400,
    format: "ggjt v3 (latest)",
    family: "llama",
    tokenizer: { kind: "llama", pre: null, pieces: 1024 },
    template: null,
    contextTokens: 2048,
    fileType: "mostly Q4_0",
    runs: true,
    whyNot: null,
    warnings: [],
  });
  expect(report.fields).toContainEqual({ name: "n_layer", value: N_LAYERS });
  expect(report.tensors).toHaveLength(3 + 9 * N_LAYERS);
  expect(report.tensors[0]).toEqual({
    name: "tok_embeddings.weight",
    type: "q4_0",
    shape: [1024, 128],
    bytes: (1024 * 128 * 18) / 32,
    offset: expect.any(Number),
  });
  const weights = report.tensors.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0);
  // keys and values of every layer and position, two bytes each
  const kvCache = (contextTokens: number): number => 2 * N_LAYERS * contextTokens * KV_DIM * 2;
  expect(report.memory).toEqual(
    [512, 2048, 4096].map((contextTokens) => ({
      contextTokens,
      weights,
      kvCache: kvCache(contextTokens),
      total: weights + kvCache(contextTokens),
      isRun: true,
    })),
  );
});

test.each(["ggjt", "gguf"])("the total is what ll-main allocates, of a %s file", async (kind) => {
  const path = join(await temporaryDirectory(), `model.${kind}`);
  await writeFile(path, kind === "ggjt" ? await tinyModel("q4_0") : await tinyGguf());
  for (const contextTokens of [64, 1000]) {
    const report = JSON.parse((await runHere("ll-inspect", ["-c", String(contextTokens), path, "--json"])).stdout);
    const { stderr } = await runHere("ll-main", ["-m", path, "-c", String(contextTokens), "-n", "1", "-p", "a"]);
    const [, model, context] = / mem required += +([\d.]+) MB \(\+ +([\d.]+) MB per state\)/.exec(stderr) ?? [];
    const { isRun, total } = report.memory[0];
    expect(isRun).toBe(true);
    // ll-main rounds both to two decimals
    expect(Math.abs(total / 2 ** 20 - Number(model) - Number(context))).toBeLessThanOrEqual(0.01);
  }
});

test("of a model that is not run here the total is that of weights and cache, and it says so", async () => {
  const tensors = [
    { name: "layers.0.attention.wk.weight", shape: [32, 32] },
    { name: "layers.0.attention.wq.weight", shape: [32, 32] },
  ];
  const path = await writeGgjt(join(await temporaryDirectory(), "m.bin"), tensors);
  const { stdout } = await runHere("ll-inspect", [path]);
  expect(stdout).toContain("\na model that is not run here: total without working memory\n");
  const { memory } = JSON.parse((await runHere("ll-inspect", ["-c", "10", path, "--json"])).stdout);
  expect(memory).toEqual([{ contextTokens: 10, weights: 8192, kvCache: 1280, total: 8192 + 1280, isRun: false }]);
});

test("-c asks for one context size", async () => {
  const path = await tinyFile();
  const report = JSON.parse((await runHere("ll-inspect", ["-c", "1000", path, "--json"])).stdout);
  expect(report.memory.map(({ contextTokens }: { contextTokens: number }) => contextTokens)).toEqual([1000]);
  const own = JSON.parse((await runHere("ll-inspect", ["-c", "0", path, "--json"])).stdout);
  expect(own.memory.map(({ contextTokens }: { contextTokens: number }) => contextTokens)).toEqual([2048]);
  expect((await runHere("ll-inspect", ["-c", "-1", path])).stderr).toContain("expected at least 0, got -1");
});

test("with grouped queries the cache is as small as the key matrix says", async () => {
  const path = await writeGgjt(join(await temporaryDirectory(), "m.bin"), [
    { name: "layers.0.attention.wk.weight", shape: [8, 32] },
  ]);
  const report = JSON.parse((await runHere("ll-inspect", ["-c", "10", path, "--json"])).stdout);
  expect(report.memory[0].kvCache).toBe(2 * 1 * 10 * 8 * 2);
});

test("a vocabulary only: no tensors, no memory", async () => {
  const path = await writeGgjt(join(await temporaryDirectory(), "vocab.bin"), []);
  const { stdout } = await runHere("ll-inspect", [path]);
  expect(stdout).toContain("\nno tensors: a vocabulary only\n");
  expect(stdout).not.toContain("memory");
  expect(JSON.parse((await runHere("ll-inspect", [path, "--json"])).stdout)).toMatchObject({ tensors: [], memory: [] });
});

test("what is odd is said on standard error", async () => {
  const path = await writeGgjt(join(await temporaryDirectory(), "m.bin"), [{ name: "a", shape: [2, 32] }], {
    ftype: 2,
  });
  const { code, stderr } = await runHere("ll-inspect", [path]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^warning: the file type is 2 .* but no tensor with two dimensions is q4_0\n$/);
});

describe("what a file is comes first", () => {
  const identityOf = (stdout: string): string[] => stdout.split("\n").slice(2, 8);
  const text = (value: string) => ({ type: "string", value }) as const;

  test("of a model that does not run here, with the reason and the keys that nothing reads", async () => {
    const path = join(await temporaryDirectory(), "model.gguf");
    const bytes = await withKeys(await tinyGguf(), {
      "general.architecture": text("qwen3"),
      "qwen3.block_count": { type: "u32", value: 6 },
      "qwen3.embedding_length": { type: "u32", value: 128 },
      "qwen3.new_trick": { type: "u32", value: 1 },
      "tokenizer.ggml.token_type_count": { type: "u32", value: 2 },
      "tokenizer.ggml.pre": text("\u001bodd"),
      "tokenizer.chat_template": text("{{ messages }}"),
      "tokenizer.chat_template.tool_use": text("{{ tools }}"),
    });
    await writeFile(path, bytes);
    const { code, stdout } = await runHere("ll-inspect", [path]);
    expect(code).toBe(0);
    expect(identityOf(stdout)).toEqual([
      "family     qwen3",
      "tokenizer  SentencePiece (\\x1bodd), 1,024 pieces",
      "template   its own, 14 characters; others: tool_use",
      "context    2,048 tokens",
      expect.stringMatching(/^weights {4}1,468,032: f16 >99 %, f32 <1 %; mostly F16$/),
      "runs here  no: not a model of this kind: qwen3.attention.head_count is nothing, expected a number",
    ]);
    expect(stdout).toContain("\nnot read: qwen3.new_trick\nnot read: tokenizer.ggml.token_type_count\n");
    const report = JSON.parse((await runHere("ll-inspect", [path, "--json"])).stdout);
    expect(report).toMatchObject({
      family: "qwen3",
      tokenizer: { kind: "llama", pre: "\u001bodd", pieces: 1024 },
      template: { characters: 14, others: ["tool_use"] },
      runs: false,
      whyNot: "not a model of this kind: qwen3.attention.head_count is nothing, expected a number",
      unread: ["qwen3.new_trick", "tokenizer.ggml.token_type_count"],
    });
  });

  test.each(["gguf", "ggjt"])("of half a %s file, whose error ends the program then", async (kind) => {
    const path = join(await temporaryDirectory(), "half.bin");
    const bytes = kind === "gguf" ? await tinyGguf() : await tinyModel("q4_0");
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    const { code, stdout, stderr } = await runHere("ll-inspect", [path]);
    expect(code).toBe(3);
    expect(identityOf(stdout)[0]).toBe("family     llama");
    expect(identityOf(stdout)[5]).toMatch(/^runs here {2}no: file ends too early: \d+ bytes needed/);
    expect(stderr).toMatch(/^ll-inspect: .*half\.bin: file ends too early/);
    const json = await runHere("ll-inspect", [path, "--json"]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      3,
      expect.objectContaining({ family: "llama", runs: false }),
    ]);
  });

  test("of a set all files count; of one whose others are missing, it says so", async () => {
    const folder = await temporaryDirectory();
    const path = (n: number): string => join(folder, `m-0000${n}-of-00002.gguf`);
    await writeGguf(path(1), [{ name: "a", shape: [4, 8] }], llamaPairs(1), [0, 2, 2]);
    const alone = await runHere("ll-inspect", [path(1)]);
    expect(alone.code).toBe(0);
    expect(identityOf(alone.stdout)[5]).toBe(
      "runs here  no: this is one of 2 files, with a part of the tensors: the others have to lie beside it",
    );
    await writeGguf(path(2), [{ name: "b", shape: [4, 4] }], {}, [1, 2, 2]);
    for (const n of [1, 2]) {
      const report = JSON.parse((await runHere("ll-inspect", [path(n), "--json"])).stdout);
      expect(report.tensors.map(({ name }: { name: string }) => name)).toEqual(["a", "b"]);
      expect(report.whyNot).not.toContain("lie beside it");
    }
  });
});

describe("a GGUF file", () => {
  test("metadata, tensors and memory, as of the ggjt file it was made from", async () => {
    const folder = await temporaryDirectory();
    await writeFile(join(folder, "model.gguf"), await tinyGguf());
    await writeFile(join(folder, "model.bin"), await tinyModel("f16"));
    const [gguf, ggjt] = await Promise.all(
      ["model.gguf", "model.bin"].map(async (name) => {
        // the fast engine takes other memory for GGUF files, which it computes otherwise
        const { code, stdout, stderr } = await runHere("ll-inspect", [join(folder, name), "--json"], SCALAR);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        return JSON.parse(stdout);
      }),
    );
    expect(gguf.format).toBe("GGUF v3");
    expect(gguf.memory).toEqual(ggjt.memory);
    expect(gguf.types).toEqual(ggjt.types);
    expect(gguf.fields).toContainEqual({ name: "llama.block_count", value: N_LAYERS });
    expect(gguf.fields).toContainEqual({ name: "tokenizer.ggml.tokens", value: "1024 × string" });
    // as a person writes it, not as the double that equals the binary32 number
    expect(gguf.fields).toContainEqual({ name: "llama.attention.layer_norm_rms_epsilon", value: 0.000001 });
    expect(gguf.tensors[0].name).toBe("token_embd.weight");
  });

  test("one without weights, such as a vocabulary, is told like others", async () => {
    const path = join(await temporaryDirectory(), "vocabulary.gguf");
    await writeGguf(path, [], llamaPairs(1));
    expect(await runHere("ll-inspect", [path])).toMatchObject({ code: 0, stderr: "" });
  });

  test("on a web server takes one request", async () => {
    const server = await serveFile(await tinyGguf(), "model.gguf");
    const { code, stderr } = await runHere("ll-inspect", [server.url, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(server.ranges).toHaveLength(1);
  });
});

describe("on a web server", () => {
  test("the same report, and no more than the header and the place of each tensor is fetched", async () => {
    const path = await tinyFile();
    const bytes = await tinyModel("q4_0");
    const server = await serveFile(bytes, "model.bin");
    const here = JSON.parse((await runHere("ll-inspect", [path, "--json"])).stdout);
    const there = await runHere("ll-inspect", [server.url, "--json"]);
    expect(there.stderr).toBe("");
    expect(JSON.parse(there.stdout)).toEqual({ ...here, file: server.url });
    // the first 256 KiB hold the header and 13 of 57 tensors
    expect(server.ranges[0]).toBe(`0-${256 * 1024 - 1}`);
    expect(server.ranges.length).toBeLessThanOrEqual(57 - 13 + 1);
  });

  test("no such file: exit code 4", async () => {
    const server = await serveFile(new Uint8Array(8), "model.bin");
    const { code, stderr } = await runHere("ll-inspect", [`${server.url}.gone`]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^ll-inspect: cannot read http.*: 404 Not Found\n$/);
  });

  test("no model file: exit code 3", async () => {
    const server = await serveFile(new TextEncoder().encode('{"dim": 128}'), "params.json");
    const { code, stderr } = await runHere("ll-inspect", [server.url]);
    expect(code).toBe(3);
    expect(stderr).toContain("it is JSON");
  });
});

test.each([
  ["no model", [], "no model given"],
  ["two models", ["a", "b"], "more than one model given"],
])("%s is a usage error", async (_name, argv, message) => {
  const { code, stderr } = await runHere("ll-inspect", argv);
  expect(code).toBe(2);
  expect(stderr).toBe(`ll-inspect: ${message}\nusage: ll-inspect [options] FILE|NAME|URL (see ll-inspect --help)\n`);
});

describeWithTestData("LLaMA's vocabulary in a file of its own", () => {
  test("on a web server takes three requests at most, and less than 3 MB", async () => {
    const server = await serveFile(await readFile(testData("vocab/llama-spm.gguf")), "vocab.gguf");
    const { stdout, stderr } = await runHere("ll-inspect", [server.url]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^llama\.vocab_size +32000$/m);
    expect(server.ranges.length).toBeLessThanOrEqual(3);
    expect(server.bytesSent()).toBeLessThan(3_000_000);
  });

  test("opens as what it is", async () => {
    const { stdout } = await runHere("ll-inspect", [testData("vocab/llama-ggmf-v1.bin")]);
    expect(stdout).toContain("ggmf v1 (old version with no mmap support)");
    expect(stdout).toMatch(/^n_vocab +32000$/m);
  });
});
