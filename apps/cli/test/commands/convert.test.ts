import { existsSync, readFileSync } from "node:fs";
import { copyFile, cp, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { memorySource } from "@ll/bytes";
import { openFileSource } from "@ll/bytes/node";
import { openGgml } from "@ll/ggml-format";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { copyTiny, sha256File, writeGgjt, writeHf } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const convert = (...argv: string[]) => runHere("ll-convert", argv);

interface ConvertCase {
  readonly input: string;
  readonly outtype: string;
  readonly sha256: Record<string, string>;
}

function goldenCases(path: string): [string, string, string, string][] {
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: ConvertCase[] };
  return cases.flatMap(({ input, outtype, sha256 }) =>
    ["ggjt-v1", "ggjt-v3"].map((container): [string, string, string, string] => [
      input,
      outtype,
      container,
      sha256[container] as string,
    ]),
  );
}

async function convertedHash(input: string, ...options: string[]): Promise<string> {
  const out = join(await temporaryDirectory(), "out.bin");
  const outcome = await convert(input, "--outfile", out, ...options);
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stdout).toBe(`${out}\n`);
  return sha256File(out);
}

describe("byte for byte what convert.py of build 803 writes", () => {
  test.each(goldenCases(fixture("tiny/golden/tiny-convert.json")))(
    "%s as %s, %s",
    async (input, type, container, hash) => {
      const path = fixture(input.replace("models/", ""));
      expect(await convertedHash(path, "--outtype", type, "--container", container)).toBe(hash);
    },
  );
});

describeWithTestData("a third party's model", () => {
  test.each(goldenCases(testData("golden/stories260k-convert.json")))(
    "%s as %s, %s",
    async (input, type, container, hash) => {
      expect(await convertedHash(testData(input), "--outtype", type, "--container", container)).toBe(hash);
    },
  );

  test("bf16 becomes f32 unless told otherwise", async () => {
    const model = testData("models/stories260k/meta-bf16");
    expect(await convertedHash(model)).toBe(await convertedHash(model, "--outtype", "f32"));
  });

  test("a llama2.c model with its own tokenizer has the tensors and the vocabulary of the same model from elsewhere", async () => {
    const folder = testData("models/stories260k");
    const out = join(await temporaryDirectory(), "out.bin");
    const options = ["--vocab-dir", join(folder, "tok512.bin"), "--outtype", "f16", "--outfile", out];
    const outcome = await convert(join(folder, "stories260K.bin"), ...options);
    expect(outcome.stderr).toContain("run this model with -gqa 2\n");
    const got = await readFile(out);
    const expected = await readFile(join(folder, "ggjt/gqa-f16.bin"));
    got.writeUInt32LE(expected.readUInt32LE(16), 16); // n_mult: several numbers give the same feed-forward size
    expect(got.equals(expected)).toBe(true);
  });
});

test("says what convert.py says, in its order, and nothing but the path on standard output", async () => {
  const model = await copyTiny("meta", await temporaryDirectory());
  const outcome = await convert(model);
  expect(outcome.code).toBe(0);
  expect(outcome.stdout).toBe(`${model}/ggml-model-f16.bin\n`);
  const lines = outcome.stderr.split("\n");
  expect(lines.slice(0, 6)).toEqual([
    `Loading model file ${model}/consolidated.00.pth`,
    `Loading vocab file ${model}/tokenizer.model`,
    "params: n_vocab:1024 n_embd:128 n_mult:32 n_head:4 n_layer:6",
    "Writing vocab...",
    "[ 1/57] Writing tensor tok_embeddings.weight                  | size   1024 x    128  | type UnquantizedDataType(name='F16')",
    "[ 2/57] Writing tensor norm.weight                            | size    128           | type UnquantizedDataType(name='F32')",
  ]);
  expect(lines).toHaveLength(4 + 57 + 2);
  expect(lines.slice(-2)).toEqual([`Wrote ${model}/ggml-model-f16.bin`, ""]);
  expect(await readdir(model)).not.toContainEqual(expect.stringContaining(".part"));
});

describe("what a ggjt file cannot say is said in words", () => {
  test.each([
    [{}, undefined],
    [{ config: { rms_norm_eps: 1e-5 } }, "-eps 1e-5"],
    [{ nKvHeads: 2 }, "-gqa 2"],
    [{ config: { rope_theta: 1000000 } }, "--rope-freq-base 1000000"],
    [{ config: { rope_scaling: { type: "linear", factor: 4 } } }, "--rope-freq-scale 0.25"],
    [
      { nKvHeads: 1, config: { rms_norm_eps: 5e-6, rope_theta: 500000, rope_scaling: { type: "linear", factor: 2 } } },
      "-eps 5e-6 -gqa 4 --rope-freq-base 500000 --rope-freq-scale 0.5",
    ],
  ])("%j: %s", async (options, said) => {
    const model = await writeHf(join(await temporaryDirectory(), "m"), options);
    const { code, stderr } = await convert(model);
    expect(code, stderr).toBe(0);
    const last = stderr.trimEnd().split("\n").at(-1);
    expect(last).toBe(
      said === undefined ? `Wrote ${model}/ggml-model-f16.bin` : `The file cannot say so: run this model with ${said}`,
    );
  });
});

test.each([
  ["F16", "f16"],
  ["F32", "f32"],
  ["BF16", "f32"],
] as const)("a %s model becomes %s unless told otherwise", async (type, name) => {
  const model = await writeHf(join(await temporaryDirectory(), "m"), { type });
  expect((await convert(model)).stdout).toBe(`${model}/ggml-model-${name}.bin\n`);
});

describe("the vocabulary", () => {
  test("of --vocab-dir, as a directory or a file, wins over that beside the model", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    await writeFile(join(model, "tokenizer.model"), "not a tokenizer");
    for (const vocab of [fixture("tiny/hf"), fixture("tiny/hf/tokenizer.model")]) {
      const { code, stderr } = await convert(model, "--vocab-dir", vocab);
      expect(code, stderr).toBe(0);
      expect(stderr).toContain(`Loading vocab file ${fixture("tiny/hf/tokenizer.model")}\n`);
    }
    expect((await convert(model)).code).toBe(3);
  });

  test("is taken from one directory up if it is not beside the model", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    const inner = await writeHf(join(model, "inner"));
    await rm(join(inner, "tokenizer.model"));
    expect((await convert(inner)).stderr).toContain(`Loading vocab file ${model}/tokenizer.model\n`);
    await rm(join(model, "tokenizer.model"));
    const outcome = await convert(inner);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(
      `ll-convert: Could not find tokenizer.model in ${inner} or its parent; if it's in another directory, pass the directory as --vocab-dir\n`,
    );
  });

  test("takes added tokens where the model has them", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"), { config: { vocab_size: 1026 } });
    await writeFile(join(model, "added_tokens.json"), JSON.stringify({ "<b>": 1025, "<a>": 1024 }));
    const { code, stderr } = await convert(model);
    expect(code, stderr).toBe(0);
    const { vocab } = await openGgml(memorySource(await readFile(join(model, "ggml-model-f16.bin"))));
    expect(vocab.slice(1024).map(({ text, score }) => [Buffer.from(text).toString(), score])).toEqual([
      ["<a>", -1000],
      ["<b>", -1000],
    ]);
  });

  test("leaves added tokens out where the model has none", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"));
    await writeFile(join(model, "added_tokens.json"), JSON.stringify({ "<a>": 1024 }));
    const { code, stderr } = await convert(model);
    expect(code).toBe(0);
    expect(stderr).toContain("Ignoring added_tokens.json since model matches vocab size without it.\n");
  });

  test.each([
    [
      1030,
      undefined,
      /model has 1030, but \S+tokenizer\.model has 1024\)\. {2}Most likely you are missing added_tokens\.json/,
    ],
    [2000, undefined, /model has 2000, but \S+tokenizer\.model has 1024\)\. \(/],
    [1030, { "<a>": 1024 }, /tokenizer\.model combined with \S+added_tokens\.json has 1025\)/],
  ])("of another size than the model's %d ids is a bad file", async (vocabSize, added, message) => {
    const model = await writeHf(join(await temporaryDirectory(), "m"), { config: { vocab_size: vocabSize } });
    if (added !== undefined) await writeFile(join(model, "added_tokens.json"), JSON.stringify(added));
    const { code, stderr } = await convert(model);
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
    expect(existsSync(join(model, "ggml-model-f16.bin"))).toBe(false);
  });

  test("alone, with --vocab-only", async () => {
    const out = join(await temporaryDirectory(), "vocab.bin");
    const outcome = await convert(fixture("tiny/hf"), "--vocab-only", "--outfile", out);
    expect(outcome).toMatchObject({ code: 0, stdout: `${out}\n` });
    expect(outcome.stderr).toBe(`Loading vocab file ${fixture("tiny/hf/tokenizer.model")}\nWrote ${out}\n`);
    const source = await openFileSource(out);
    const file = await openGgml(source);
    expect(file.hyperParams).toEqual({ nVocab: 1024, nEmbd: 0, nMult: 0, nHead: 1, nLayer: 0, nRot: 0, ftype: 0 });
    expect(file.tensors).toEqual([]);
    expect(file.vocab).toHaveLength(1024);
    await source.close();
  });
});

describe("a ggml file as input", () => {
  const layer = "layers.0";
  const matrices: [string, number[]][] = [
    ["tok_embeddings.weight", [4, 32]],
    ["output.weight", [4, 32]],
    ...["wq", "wk", "wv", "wo"].map((name): [string, number[]] => [`${layer}.attention.${name}.weight`, [32, 32]]),
    [`${layer}.feed_forward.w1.weight`, [96, 32]],
    [`${layer}.feed_forward.w2.weight`, [32, 96]],
    [`${layer}.feed_forward.w3.weight`, [96, 32]],
  ];
  const vectors = ["norm.weight", `${layer}.attention_norm.weight`, `${layer}.ffn_norm.weight`];

  test("is written again as it was", async () => {
    const directory = await temporaryDirectory();
    const first = join(directory, "first.bin");
    const second = join(directory, "second.bin");
    await convert(fixture("tiny/hf"), "--container", "ggjt-v1", "--outfile", first);
    const { code, stderr } = await convert(first, "--container", "ggjt-v1", "--outfile", second);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain("vocab file");
    expect(await sha256File(second)).toBe(await sha256File(first));
  });

  test("of old 4-bit blocks needs an output type, and is then unpacked", async () => {
    // | scale: f32 | 16 bytes, value 2i in the low nibble of byte i |: every value is (level - 8) * 0.5
    const block = Buffer.concat([Buffer.from(Float32Array.of(0.5).buffer), Buffer.alloc(16, 0xc9)]);
    const tensors = [
      ...matrices.map(([name, shape]) => {
        const nBlocks = (shape[0]! * shape[1]!) / 32;
        return { name, shape, type: "q4_0_v1", bytes: Buffer.concat(Array.from({ length: nBlocks }, () => block)) };
      }),
      ...vectors.map((name) => ({ name, shape: [32] })),
    ];
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "old.bin"), tensors, { version: 1, ftype: 2 });
    const refused = await convert(input);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "ll-convert: the weights of this model are QuantizedDataType(groupsize=32, have_addends=False, have_g_idx=False): an output type has to be chosen\nuse --outtype f16 or --outtype f32, and ll-quantize on the result\n",
    );
    expect(await readdir(directory)).toEqual(["old.bin"]);

    const out = join(directory, "new.bin");
    const outcome = await convert(input, "--outtype", "f32", "--outfile", out);
    expect(outcome.code, outcome.stderr).toBe(0);
    const file = await openGgml(memorySource(await readFile(out)));
    const bytes = new Uint8Array(4 * 32 * 32);
    await file.tensor(`${layer}.attention.wq.weight`)?.read(0, bytes);
    // levels 9 and 12: 0.5 and 2
    expect(new Float32Array(bytes.buffer)).toEqual(
      Float32Array.from({ length: 1024 }, (_, i) => (i % 2 === 0 ? 0.5 : 2)),
    );
  });

  test("of today's blocks is for ll-quantize", async () => {
    const directory = await temporaryDirectory();
    const tensors = [
      ...matrices.map(([name, shape]) => ({ name, shape, type: "q4_0" })),
      ...vectors.map((name) => ({ name, shape: [32] })),
    ];
    const input = await writeGgjt(join(directory, "new.bin"), tensors, { ftype: 2 });
    const { code, stderr } = await convert(input, "--outtype", "f16");
    expect(code).toBe(3);
    expect(stderr).toContain("q4_0");
  });

  test("is not overwritten by a default output path", async () => {
    const directory = await temporaryDirectory();
    const input = join(directory, "ggml-model-f16.bin");
    await convert(fixture("tiny/hf"), "--outfile", input);
    const before = await sha256File(input);
    const { code, stdout, stderr } = await convert(directory);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      `Error: Default output path (${input}) would overwrite the input. Please explicitly specify a path using --outfile.\n`,
    );
    expect(await sha256File(input)).toBe(before);
  });
});

describe("--dump", () => {
  test("shows names, shapes and types as they are stored, and writes nothing", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"), { type: "BF16" });
    const before = await readdir(model);
    const { code, stdout } = await convert("--dump", model);
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 4)).toEqual([
      `model_plus.paths = ['${model}/model.safetensors']`,
      "model_plus.format = 'safetensors'",
      "model.embed_tokens.weight: shape=[1024, 64] type=UnquantizedDataType(name='BF16'); 131072 bytes",
      "model.norm.weight: shape=[64] type=UnquantizedDataType(name='BF16'); 128 bytes",
    ]);
    expect(lines).toHaveLength(2 + 12 + 1);
    expect(await readdir(model)).toEqual(before);
  });

  test("--dump-single shows one file, of whatever model", async () => {
    const path = fixture("tiny/meta/consolidated.00.pth");
    const { code, stdout } = await convert("--dump-single", path);
    expect(code).toBe(0);
    expect(stdout).toContain(`model_plus.paths = ['${path}']\nmodel_plus.format = 'torch'\ntok_embeddings.weight: `);
  });
});

describe("refused, with nothing written", () => {
  test("a directory without a model", async () => {
    const directory = await temporaryDirectory();
    const outcome = await convert(directory);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain(`Can't find model in directory ${directory}`);
  });

  test("a quantised output type", async () => {
    const outcome = await convert(fixture("tiny/hf"), "--outtype", "q4_0");
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain("\nconvert to f16, then: ll-quantize FILE q4_0\n");
  });

  test("weights that are no numbers to compute with", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"), { type: "I64" });
    const outcome = await convert(model, "--outtype", "f16");
    expect(outcome).toMatchObject({ code: 3, stdout: "" });
    expect(await readdir(model)).toEqual(["config.json", "model.safetensors", "tokenizer.model"]);
  });

  test("more layers than a model file can hold", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"), { nLayers: 500 });
    const outcome = await convert(model);
    expect(outcome).toMatchObject({ code: 3, stdout: "" });
    expect(outcome.stderr).toContain("ll-convert: no model file can hold this: ");
    expect(await readdir(model)).toEqual(["config.json", "model.safetensors", "tokenizer.model"]);
  });

  test("a model file that does not exist", async () => {
    expect(await convert("/nonexistent/m")).toMatchObject({
      code: 4,
      stderr: "ll-convert: failed to open /nonexistent/m: No such file or directory\n",
    });
  });
});

test("safetensors win over a PyTorch checkpoint beside them, and one line says so", async () => {
  const model = await writeHf(join(await temporaryDirectory(), "m"));
  await cp(fixture("tiny/meta/consolidated.00.pth"), join(model, "consolidated.00.pth"));
  const { code, stderr } = await convert(model);
  expect(code).toBe(0);
  expect(stderr).toContain(`Loading model file ${model}/model.safetensors\n`);
  expect(stderr.match(/consolidated\.00\.pth/g)).toHaveLength(1);
});

describe("the output", () => {
  test.each([
    ["added_tokens.json of the vocabulary", ["--vocab-only", "--vocab-dir", "vocab"], "vocab/added_tokens.json"],
    ["added_tokens.json of a vocabulary elsewhere", ["--vocab-dir", "vocab"], "vocab/added_tokens.json"],
    ["tokenizer.model of a vocabulary elsewhere", ["--vocab-dir", "vocab"], "vocab/tokenizer.model"],
    ["config.json", [], "hf/config.json"],
    ["the index", [], "hf/model.safetensors.index.json"],
  ])("that is %s is refused and left alone", async (_what, options, name) => {
    const directory = await temporaryDirectory();
    const hf = await copyTiny("hf", directory);
    await mkdir(join(directory, "vocab"));
    await copyFile(join(hf, "tokenizer.model"), join(directory, "vocab", "tokenizer.model"));
    await writeFile(join(directory, "vocab", "added_tokens.json"), "{}");
    const weight_map = { "model.norm.weight": "model.safetensors" };
    await writeFile(join(hf, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map }));
    const path = join(directory, name);
    const before = await sha256File(path);
    const words = options.map((word) => (word === "vocab" ? join(directory, word) : word));
    const { code, stderr } = await runHere("ll-convert", [hf, ...words, "--outfile", path]);
    expect(code, stderr).toBe(1);
    expect(stderr).toContain("is the input");
    expect(await sha256File(path)).toBe(before);
  });

  test("that is the input, by whatever name, is refused and left alone", async () => {
    const directory = await temporaryDirectory();
    const input = join(directory, "model.bin");
    await convert(fixture("tiny/hf"), "--outfile", input);
    const before = await sha256File(input);
    await symlink(input, join(directory, "symbolic.bin"));
    await link(input, join(directory, "hard.bin"));
    for (const name of [
      "model.bin",
      "symbolic.bin",
      "hard.bin",
      "./model.bin",
      `../${relative(join(directory, ".."), input)}`,
    ]) {
      const { code, stderr } = await convert(input, "--outfile", `${directory}/${name}`);
      expect(code, name).toBe(1);
      expect(stderr).toContain("is the input");
    }
    expect(await sha256File(input)).toBe(before);
    expect((await readdir(directory)).sort()).toEqual(["hard.bin", "model.bin", "symbolic.bin"]);
  });

  test("that is the vocabulary or the configuration is refused too", async () => {
    const model = await writeHf(join(await temporaryDirectory(), "m"));
    expect((await convert(model, "--outfile", join(model, "config.json"))).code).toBe(1);
    expect((await readFile(join(model, "config.json"), "utf8")).startsWith("{")).toBe(true);
    const vocab = join(model, "tokenizer.model");
    expect((await convert(model, "--outfile", vocab)).code).toBe(1);
    expect((await convert(model, "--vocab-only", "--outfile", vocab)).code).toBe(1);
    expect(await sha256File(vocab)).toBe(await sha256File(fixture("tiny/hf/tokenizer.model")));
  });

  test("that exists is replaced, and kept with --no-clobber", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    const out = join(directory, "out.bin");
    await writeFile(out, "old");
    const kept = await convert(model, "--outfile", out, "--no-clobber");
    expect(kept).toMatchObject({ code: 1, stdout: "" });
    expect(kept.stderr).toContain(`ll-convert: ${out} exists\n`);
    expect(await readFile(out, "utf8")).toBe("old");
    expect((await convert(model, "--outfile", out)).code).toBe(0);
    expect((await stat(out)).size).toBeGreaterThan(3);
  });

  test("in a missing directory, or a directory itself, cannot be written", async () => {
    const directory = await temporaryDirectory();
    const model = await writeHf(join(directory, "m"));
    await mkdir(join(directory, "folder"));
    const missing = await convert(model, "--outfile", join(directory, "missing/out.bin"));
    expect(missing.code).toBe(4);
    expect(missing.stderr).toContain(`cannot write ${directory}/missing/out.bin: No such file or directory\n`);
    const folder = await convert(model, "--outfile", join(directory, "folder"));
    expect(folder.code).toBe(4);
    expect(folder.stderr).toContain("not a regular file\n");
    expect((await readdir(directory)).sort()).toEqual(["folder", "m"]);
  });
});

describe("tokens that begin and end a text", () => {
  const IM_END = { eos_token: { content: "<|im_end|>" }, added_tokens_decoder: { 15: { content: "<|im_end|>" } } };

  async function model(files: Record<string, unknown>, config: Record<string, unknown> = {}): Promise<string> {
    const directory = await writeHf(join(await temporaryDirectory(), "hf"), { config });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, name), JSON.stringify(content));
    }
    return directory;
  }
  const ids = async (path: string) => {
    const { stdout } = await runHere("ll-inspect", ["--json", path]);
    const text = JSON.stringify(JSON.parse(stdout));
    return ["bos", "eos"].map((name) => new RegExp(`tokenizer\\.ggml\\.${name}_token_id[^0-9]*(\\d+)`).exec(text)?.[1]);
  };

  test.each([
    ["config.json", {}, { bos_token_id: 5, eos_token_id: 13 }, ["5", "13"]],
    ["a list", {}, { eos_token_id: [13, 14] }, ["1", "13"]],
    [
      "generation_config.json before it",
      { "generation_config.json": { eos_token_id: 14 } },
      { eos_token_id: 13 },
      ["1", "14"],
    ],
    ["tokenizer_config.json before it", { "tokenizer_config.json": IM_END }, { eos_token_id: 13 }, ["1", "15"]],
    [
      "tokenizer_config.json with added_tokens.json",
      { "tokenizer_config.json": { eos_token: "<|end|>" }, "added_tokens.json": { "<|end|>": 1024 } },
      { vocab_size: 1025 },
      ["1", "1024"],
    ],
    [
      "generation_config.json before all",
      { "generation_config.json": { eos_token_id: 14 }, "tokenizer_config.json": IM_END },
      { eos_token_id: 13 },
      ["1", "14"],
    ],
    ["no file of a text", { "tokenizer_config.json": { eos_token: "</s>" } }, { eos_token_id: 13 }, ["1", "13"]],
    ["neither", {}, {}, ["1", "2"]],
    ["ids that there are not", {}, { bos_token_id: 5000, eos_token_id: 5001 }, ["1", "2"]],
  ])("GGUF holds what %s says, and goes on holding it", async (_, files, config, expected) => {
    const directory = await model(files, config);
    const first = join(directory, "first.gguf");
    expect((await convert(directory, "--outfile", first)).code).toBe(0);
    expect(await ids(first)).toEqual(expected);
    const second = join(directory, "second.gguf");
    expect((await convert(first, "--outfile", second)).code).toBe(0);
    expect(await ids(second)).toEqual(expected);
  });

  test.each([true, false])("tokenizer_config.json says whether a text has BOS and EOS: %s", async (has) => {
    const rules = { add_bos_token: has, add_eos_token: has, chat_template: "{{ 1/0 }}", auto_map: { x: ["y"] } };
    const directory = await model({ "tokenizer_config.json": rules });
    const gguf = await convert(directory, "--outfile", join(directory, "a.gguf"));
    expect(gguf.stderr).not.toContain("cannot say so");
    const { stdout } = await runHere("ll-inspect", [join(directory, "a.gguf")]);
    expect(stdout).toMatch(new RegExp(`add_bos_token +${has}\\n`));
    expect(stdout).toMatch(new RegExp(`add_eos_token +${has}\\n`));
    const ggjt = await convert(directory, "--outfile", join(directory, "a.bin"));
    const lost = has ? "the model ends a text with EOS" : "the model begins no text with BOS";
    expect(ggjt.stderr).toContain(`The file cannot say so: ${lost} (a GGUF file can`);
  });

  test("a tokenizer_config.json that is none is refused", async () => {
    for (const content of [{ add_bos_token: "yes" }, []]) {
      const { code, stderr } = await convert(await model({ "tokenizer_config.json": content }));
      expect(code).toBe(3);
      expect(stderr).toContain("tokenizer_config.json");
    }
  });

  test.each(["tokenizer_config.json", "generation_config.json", "quantize_config.json"])(
    "%s is read, and not written over",
    async (name) => {
      const directory = await model({ [name]: {} });
      const { code, stderr } = await convert(directory, "--outfile", join(directory, name));
      expect(code).toBe(1);
      expect(stderr).toContain("is the input");
      expect(await readFile(join(directory, name), "utf8")).toBe("{}");
    },
  );

  test("ll-convert says what a file loses", async () => {
    const directory = await model({}, { bos_token_id: 5, eos_token_id: [2, 13, 14, 15] });
    const ggjt = await convert(directory, "--outfile", join(directory, "a.bin"));
    expect(ggjt.stderr).toContain(
      "The file cannot say so: the model ends its answers with token 13, 14, 15 (a GGUF file can",
    );
    expect(ggjt.stderr).toContain("The file cannot say so: the model begins a text with token 5 (a GGUF file can");
    const gguf = await convert(directory, "--outfile", join(directory, "a.gguf"));
    expect(gguf.stderr).toContain("The file cannot say so: the model ends its answers with token 15\n");
    expect(gguf.stderr).not.toContain("begins a text");
    const unknown = await convert(await model({}, { eos_token_id: 5000 }), "--outfile", join(directory, "b.bin"));
    expect(unknown.stderr).toContain("token 5000 begins or ends a text, and the vocabulary does not have it");
  });

  test("also where a GGUF file becomes a ggjt file; nothing of the usual tokens", async () => {
    const usual = await convert(await model({}, { bos_token_id: 1, eos_token_id: 2 }));
    expect(usual.stderr).not.toContain("cannot say so");
    const directory = await model({}, { eos_token_id: 13 });
    await convert(directory, "--outfile", join(directory, "a.gguf"));
    const { stderr } = await convert(join(directory, "a.gguf"), "--outfile", join(directory, "a.bin"));
    expect(stderr).toContain("the model ends its answers with token 13 (a GGUF file can: --container gguf)");
  });

  test("all ends that a GGUF file names are kept, told of, and end a text", async () => {
    const directory = await model({}, { eos_token_id: [2, 13] });
    const [first, second] = [join(directory, "first.gguf"), join(directory, "second.gguf")];
    expect((await convert(directory, "--outfile", first)).stderr).not.toContain("cannot say so");
    expect((await convert(first, "--outfile", second)).stderr).not.toContain("cannot say so");
    expect((await readFile(second)).equals(await readFile(first))).toBe(true);
    const { stdout } = await runHere("ll-inspect", [second]);
    expect(stdout).toMatch(/eos_token_id +2\n(.*\n)*.*eot_token_id +13\n/);
    const { stderr } = await convert(second, "--outfile", join(directory, "a.bin"));
    expect(stderr).toContain("the model ends its answers with token 13 (a GGUF file can");
    const run = await runHere("ll-main", ["-m", second, "-p", "a", "-n", "4", "-t", "1", "-l", "13+100"]);
    expect(run.stderr).toContain(" [end of text]\n");
  });

  test("a GGUF file by another name is warned of", async () => {
    const directory = await model({});
    const { code, stderr } = await convert(directory, "--container", "gguf", "--outfile", join(directory, "a.bin"));
    expect(code).toBe(0);
    expect(stderr).toContain("a.bin will be a GGUF file, whose name ends in .gguf by custom");
  });
});
