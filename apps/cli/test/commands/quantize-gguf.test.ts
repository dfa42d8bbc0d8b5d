// ll-quantize with GGUF files. @ll/convert checks the bytes of all types; here are command lines, and what is said.

import { readFileSync } from "node:fs";
import { link, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openGgufPath } from "@ll/gguf/node";
import { describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { llamaPairs, type SineTensor, writeGguf, writeImportance } from "../gguf-model.ts";
import { sha256File, writeGgjt } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const quantize = (...argv: string[]) => runHere("ll-quantize", argv);

const MODEL: readonly SineTensor[] = [
  { name: "token_embd.weight", shape: [4, 256] },
  { name: "output_norm.weight", shape: [256] },
  { name: "blk.0.attn_q.weight", shape: [2, 96] },
  { name: "blk.0.ffn_down.weight", shape: [2, 256] },
];

/** A directory with a model in it. */
async function withModel(tensors: readonly SineTensor[] = MODEL): Promise<{ directory: string; input: string }> {
  const directory = await temporaryDirectory();
  return { directory, input: await writeGguf(join(directory, "in.gguf"), tensors, llamaPairs(1)) };
}

async function typesOf(path: string): Promise<Record<string, string>> {
  const file = await openGgufPath(path);
  await file.close();
  return Object.fromEntries(file.tensors.map(({ name, type }) => [name, type]));
}

interface RecordedCase {
  readonly source: string;
  readonly ftype: number;
  readonly options: readonly string[];
  readonly sha256?: string;
  readonly error?: string;
}

describeWithTestData("command lines recorded from llama.cpp", () => {
  const golden: { readonly sources: Record<string, { file: string }>; readonly cases: readonly RecordedCase[] } =
    JSON.parse(readFileSync(testData("golden/quantize-gguf.json"), "utf8"));
  // one of each kind: what pruned layers hold is mended here
  const cases = golden.cases.filter(
    ({ options, ftype }) => !options.includes("--prune-layers") && (!options.includes("--imatrix") || ftype === 15),
  );

  test.each(cases)("$source to $ftype, $options", async ({ source, ftype, options, sha256, error }) => {
    const directory = await temporaryDirectory();
    const flags = options.filter((option) => !/^(COPY|nthreads|\(named)/.test(option));
    const at = flags.indexOf("--imatrix");
    if (at >= 0) {
      await link(testData(`models/quantize/${flags[at + 1]}`), join(directory, "imatrix.gguf")).catch(async () =>
        writeFile(join(directory, "imatrix.gguf"), readFileSync(testData(`models/quantize/${flags[at + 1]}`))),
      );
      flags[at + 1] = "imatrix.gguf"; // the new file tells the path as it was given
    }
    const type = options.some((option) => option.startsWith("COPY")) ? "COPY" : String(ftype);
    const threads = options.find((option) => option.startsWith("nthreads"))?.split(" ")[1];
    const input = testData((golden.sources[source] as { file: string }).file);
    const out = join(directory, "out.gguf");
    const before = process.cwd();
    process.chdir(directory);
    const outcome = await quantize(...flags, input, out, type, ...(threads === undefined ? [] : [threads])).finally(
      () => process.chdir(before),
    );
    if (error === undefined) {
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(await sha256File(out)).toBe(sha256);
    } else {
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toContain(`failed to quantize: ${error}\n`);
      expect(await readdir(directory)).toEqual([]);
    }
  });
});

describe("what is said", () => {
  test("a line for every tensor, sizes and fallbacks on standard error, the path on standard output", async () => {
    const { directory, input } = await withModel();
    const { code, stdout, stderr } = await quantize(input, "q4_k_m", "2");
    const out = `${directory}/ggml-model-Q4_K_M.gguf`;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}\n` });
    expect(stderr).toBe(
      [
        `main: quantizing '${input}' to '${out}' as Q4_K_M using 2 threads`,
        `loading model from ${input}`,
        "[   1/   4] output_norm.weight                   - [   256,      1,      1,      1], type =    f32, size =    0.001 MiB",
        "[   2/   4] token_embd.weight                    - [   256,      4,      1,      1], type =    f32, converting to q6_K .. size =     0.00 MiB ->     0.00 MiB",
        "[   3/   4] blk.0.attn_q.weight                  - [    96,      2,      1,      1], type =    f32, converting to q5_0 .. size =     0.00 MiB ->     0.00 MiB",
        "[   4/   4] blk.0.ffn_down.weight                - [   256,      2,      1,      1], type =    f32, converting to q6_K .. size =     0.00 MiB ->     0.00 MiB",
        "model size  =     0.01 MiB (32.00 BPW)",
        "quant size  =     0.00 MiB (9.74 BPW)",
        "1 of 4 tensors fell back to another type: their rows do not fill its blocks",
        "",
      ].join("\n"),
    );
  });

  test("--quiet: the path; --json: one object", async () => {
    const { directory, input } = await withModel();
    const out = join(directory, "out.gguf");
    expect(await quantize("--quiet", input, out, "q8_0")).toMatchObject({ code: 0, stdout: `${out}\n`, stderr: "" });
    const { stdout } = await quantize("--json", input, out, "q8_0");
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      input,
      type: "Q8_0",
      file: out,
      bytes: (await readFile(out)).length,
      format: expect.stringContaining("GGUF"),
      warnings: [],
    });
  });

  test("--dry-run: the same lines, and nothing is written", async () => {
    const { directory, input } = await withModel();
    const wet = await quantize(input, join(directory, "out.gguf"), "q4_k_m");
    const dry = await quantize("--dry-run", input, join(directory, "out.gguf"), "q4_k_m");
    expect(dry.code).toBe(0);
    expect(dry.stderr).toBe(wet.stderr);
    expect(dry.stdout).toBe("");
    const other = await quantize("--dry-run", "--json", input, join(directory, "other.gguf"), "Q2_K_S");
    expect(JSON.parse(other.stdout)).toMatchObject({
      type: "Q2_K_S",
      tensors: expect.arrayContaining([
        { name: "blk.0.attn_q.weight", shape: [2, 96], fromType: "f32", type: "q4_0", bytes: 108 },
      ]),
    });
    expect((await readdir(directory)).sort()).toEqual(["in.gguf", "out.gguf"]);
  });
});

describe("sets of files", () => {
  async function withSet(): Promise<{ directory: string; input: string }> {
    const directory = await temporaryDirectory();
    const input = join(directory, "in-00001-of-00002.gguf");
    await writeGguf(input, MODEL.slice(0, 2), llamaPairs(1), [0, 2, 4]);
    await writeGguf(join(directory, "in-00002-of-00002.gguf"), MODEL.slice(2), {}, [1, 2, 4]);
    return { directory, input };
  }

  test("become one file", async () => {
    const { directory, input } = await withSet();
    const { input: whole } = await withModel();
    const out = join(directory, "out.gguf");
    expect((await quantize(input, out, "q8_0")).code).toBe(0);
    await quantize(whole, `${out}.2`, "q8_0");
    expect(await sha256File(out)).toBe(await sha256File(`${out}.2`));
  });

  test.each(["out.gguf", "out"])("or a set, with --keep-split to %s", async (name) => {
    const { directory, input } = await withSet();
    const { code, stdout } = await quantize("--keep-split", input, join(directory, name), "q8_0");
    const paths = [1, 2].map((n) => join(directory, `out-0000${n}-of-00002.gguf`));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${paths.join("\n")}\n` });
    expect(await typesOf(paths[0] as string)).toEqual({
      "token_embd.weight": "q8_0",
      "output_norm.weight": "f32",
      "blk.0.attn_q.weight": "q8_0",
      "blk.0.ffn_down.weight": "q8_0",
    });
    const json = await quantize("--keep-split", "--json", input, join(directory, name), "q8_0");
    expect(JSON.parse(json.stdout).files.map(({ file }: { file: string }) => file)).toEqual(paths);
  });

  test("without one of their files, or onto themselves", async () => {
    const { directory, input } = await withSet();
    const second = join(directory, "in-00002-of-00002.gguf");
    expect(await quantize(input, second, "q8_0")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is the input"),
    });
    expect((await quantize("--keep-split", input, join(directory, "in"), "q8_0")).stderr).toContain("is the input");
    expect((await readdir(directory)).sort()).toEqual(["in-00001-of-00002.gguf", "in-00002-of-00002.gguf"]);
  });
});

describe("refused, with nothing written", () => {
  test.each([
    [["q8_0", "--tensor-type", "attn_q=q4_K"], 0, "", ""],
    [["iq4_xs", "--tensor-type", "attn_q=q1_0"], 1, "no tensor type fallback is defined for type q1_0", ""],
    [["Q2_K_S"], 1, "this quantization requires an imatrix!", "add --imatrix FILE"],
    [["q8_0", "--prune-layers", "7"], 1, "a model of 1 layers cannot lose the layers 7", ""],
    [["q8_0", "--imatrix", "@absent"], 4, "failed to open", ""],
    [["q8_0", "--imatrix", "@in.gguf"], 3, "this is no file of importance", ""],
    [
      ["q8_0", "--imatrix", "@imatrix"],
      3,
      "imatrix size 64 is different from tensor size 256 for blk.0.ffn_down.weight",
      "",
    ],
  ])("%j", async (words, code, message, hint) => {
    const { directory, input } = await withModel(MODEL.with(2, { name: "blk.0.attn_q.weight", shape: [2, 160] }));
    await writeImportance(join(directory, "imatrix"), "blk.0.ffn_down.weight", 64);
    const before = (await readdir(directory)).sort();
    const argv = words.map((word) => word.replace("@", `${directory}/`));
    const outcome = await quantize(...argv.slice(1), input, join(directory, "out.gguf"), argv[0] as string);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).toContain(hint);
    if (code !== 0) expect((await readdir(directory)).sort()).toEqual(before);
  });

  test("a quantised tensor, unless it is allowed or stays as it is", async () => {
    const { directory, input } = await withModel();
    const [q8_0, q4_0, copy] = ["a.gguf", "b.gguf", "c.gguf"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    expect((await quantize(input, q8_0, "q8_0")).code).toBe(0);
    const refused = await quantize(q8_0, q4_0, "q4_0");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("requantizing from type q8_0 is disabled");
    expect(refused.stderr).toContain("--allow-requantize");
    expect((await quantize("--allow-requantize", q8_0, q4_0, "q4_0")).code).toBe(0);
    expect((await quantize(q8_0, copy, "copy")).code).toBe(0);
    expect(await typesOf(copy)).toEqual(await typesOf(q8_0));
  });

  test("OUT that is IN, or exists with --no-clobber", async () => {
    const { directory, input } = await withModel();
    const before = await sha256File(input);
    expect(await quantize(input, input, "q8_0")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is the input"),
    });
    await writeFile(join(directory, "old"), "old");
    expect((await quantize("--no-clobber", input, join(directory, "old"), "q8_0")).code).toBe(1);
    expect(await readFile(join(directory, "old"), "utf8")).toBe("old");
    expect(await sha256File(input)).toBe(before);
  });

  test("a broken GGUF file", async () => {
    const { directory, input } = await withModel();
    await writeFile(input, (await readFile(input)).subarray(0, -500));
    const { code, stderr } = await quantize(input, "q8_0");
    expect(code).toBe(3);
    expect(stderr).toContain("failed to quantize: ");
    expect(stderr).toContain("file ends too early");
    expect(await readdir(directory)).toEqual(["in.gguf"]);
  });

  test("what only GGUF files have, for a ggjt file", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    for (const [words, message] of [
      [["--pure", input, "q4_0"], "main: --pure is for GGUF files, and this is none\n"],
      [[input, "iq4_nl"], "main: IQ4_NL is a type of GGUF files, and this is none\nll-convert makes a GGUF file of it"],
      [[input, "copy"], "main: COPY is a type of GGUF files, and this is none\n"],
    ] as const) {
      const { code, stderr } = await quantize(...words);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    }
    expect(await readdir(directory)).toEqual(["in.bin"]);
  });
});

test("NaN among the weights, unless allowed", async () => {
  const { directory, input } = await withModel();
  const bytes = await readFile(input);
  bytes.set([0, 0, 0xc0, 0x7f], bytes.length - 64);
  await writeFile(input, bytes);
  const { code, stderr } = await quantize(input, "q8_0");
  expect(code).toBe(3);
  expect(stderr).toContain("1 NaN in 'blk.0.ffn_down.weight'");
  expect(await readdir(directory)).toEqual(["in.gguf"]);
  const allowed = await quantize("--allow-nonfinite", input, "q8_0");
  expect(allowed.code).toBe(0);
  expect(allowed.stderr).toContain("warning: weights of blk.0.ffn_down.weight that are no numbers");
});
