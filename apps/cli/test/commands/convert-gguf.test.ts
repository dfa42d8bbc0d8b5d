// ll-convert with GGUF on either side.

import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { type TinyType, tinyModel } from "../../../../tools/tiny-model.ts";
import { copyTiny, sha256File, writeHf } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

async function convert(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere("ll-convert", argv);
  expect(code, stderr).toBe(0);
  return stdout.trimEnd();
}

/** The embedded model as a ggjt file in a directory of its own. */
async function tinyFile(type: TinyType): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel(type));
  return path;
}

describe("there and back", () => {
  test.each<TinyType>(["q4_0", "q5_1", "q8_0"])("ggjt → GGUF → ggjt: %s", async (type) => {
    const path = await tinyFile(type);
    const gguf = await convert(path, "--container", "gguf");
    expect(gguf).toBe(path.replace(".bin", ".gguf"));
    const back = await convert(gguf, "--outfile", join(await temporaryDirectory(), "back.bin"));
    expect(await sha256File(back)).toBe(await sha256File(path));
  });

  test("checkpoint → GGUF → ggjt is checkpoint → ggjt", async () => {
    const model = await copyTiny("meta", await temporaryDirectory());
    const gguf = await convert(model, "--container", "gguf");
    expect(gguf).toBe(`${model}/ggml-model-f16.gguf`);
    const direct = await convert(model);
    const indirect = await convert(gguf, "--outfile", join(await temporaryDirectory(), "back.bin"));
    expect(await sha256File(indirect)).toBe(await sha256File(direct));
    const v1 = await convert(gguf, "--container", "ggjt-v1", "--outfile", join(await temporaryDirectory(), "v1.bin"));
    const directV1 = join(await temporaryDirectory(), "direct.bin");
    await convert(model, "--container", "ggjt-v1", "--outfile", directV1);
    expect(await sha256File(v1)).toBe(await sha256File(directV1));
  });

  test("f16 and f32 out of a GGUF file", async () => {
    const model = await copyTiny("meta", await temporaryDirectory());
    const gguf = await convert(model, "--container", "gguf", "--outfile", join(model, "m.gguf"));
    const direct = await convert(model, "--outtype", "f32", "--outfile", join(model, "direct.bin"));
    expect(await convert(gguf, "--outtype", "f32")).toBe(join(model, "m.bin"));
    expect(await sha256File(join(model, "m.bin"))).toBe(await sha256File(direct));
  });

  test("a vocabulary alone", async () => {
    const out = join(await temporaryDirectory(), "vocab.gguf");
    await convert(fixture("tiny/hf"), "--vocab-only", "--container", "gguf", "--outfile", out);
    expect((await stat(out)).size).toBeGreaterThan(10_000);
    expect((await readFile(out)).subarray(0, 4).toString()).toBe("GGUF");
  });
});

test("says what convert.py says, in its order", async () => {
  const path = await tinyFile("q4_0");
  const { stdout, stderr } = await runHere("ll-convert", [path, "--container", "gguf"]);
  const out = path.replace(".bin", ".gguf");
  const lines = stderr.split("\n");
  expect(lines.slice(0, 4)).toEqual([
    `Loading model file ${path}`,
    "params: n_vocab:1024 n_embd:128 n_mult:176 n_head:4 n_layer:6",
    "Writing vocab...",
    "[ 1/57] Writing tensor tok_embeddings.weight                  | size   1024 x    128  | type q4_0",
  ]);
  expect(lines[4]).toBe(
    "[ 2/57] Writing tensor norm.weight                            | size    128           | type UnquantizedDataType(name='F32')",
  );
  expect(lines.slice(-2)).toEqual([`Wrote ${out}`, ""]);
  expect(stdout).toBe(`${out}\n`);
});

describe("what ggjt cannot say", () => {
  test("GGUF says it, and on the way to ggjt it is said in words", async () => {
    const config = { rms_norm_eps: 1e-5, rope_theta: 500000, rope_scaling: { type: "linear", factor: 2 } };
    const model = await writeHf(join(await temporaryDirectory(), "m"), { nKvHeads: 1, config });
    const there = await runHere("ll-convert", [model, "--container", "gguf", "--outtype", "f32"]);
    expect(there.stderr).not.toContain("cannot say");
    const back = await runHere("ll-convert", [`${model}/ggml-model-f32.gguf`]);
    expect(back.stderr.trimEnd().split("\n").at(-1)).toBe(
      "The file cannot say so: run this model with -eps 1e-5 -gqa 4 --rope-freq-base 500000 --rope-freq-scale 0.5",
    );
  });

  test("flags say it of a ggjt file", async () => {
    const path = await tinyFile("q4_0");
    const gguf = await convert(path, "--container", "gguf", "--rms-norm-eps", "1e-5", "--rope-freq-scale", "0.25");
    const { stderr } = await runHere("ll-convert", [gguf, "--outfile", `${path}.back`]);
    expect(stderr).toContain("run this model with -eps 1e-5 --rope-freq-scale 0.25\n");
  });
});

test("--dump lists the tensors under the names they have", async () => {
  const gguf = await convert(await tinyFile("q4_0"), "--container", "gguf");
  for (const option of ["--dump", "--dump-single"]) {
    const { code, stdout } = await runHere("ll-convert", [gguf, option]);
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      `model_plus.paths = ['${gguf}']`,
      "model_plus.format = 'gguf'",
      "token_embd.weight: shape=[1024, 128] type=q4_0; 73728 bytes",
      "output_norm.weight: shape=[128] type=f32; 512 bytes",
    ]);
  }
});

describe("refused", () => {
  test("a file that was cut off: code 3, where, and nothing written", async () => {
    const gguf = await convert(await tinyFile("q4_0"), "--container", "gguf");
    await truncate(gguf, (await stat(gguf)).size - 100);
    const { code, stderr } = await runHere("ll-convert", [gguf, "--outfile", `${gguf}.out`]);
    expect(code).toBe(3);
    expect(stderr).toContain("file ends too early");
    expect(stderr).toContain("field tensors[56].data");
    expect(await readdir(join(gguf, ".."))).toEqual(["model.bin", "model.gguf"]);
  });

  test("a GGUF file under the name that the output would get", async () => {
    const gguf = await convert(await tinyFile("q4_0"), "--container", "gguf");
    const named = join(await temporaryDirectory(), "model.bin");
    await writeFile(named, await readFile(gguf));
    const { code, stderr } = await runHere("ll-convert", [named]);
    expect(code).toBe(1);
    expect(stderr).toContain("would overwrite the input");
  });

  test("blocks in a container whose blocks were others", async () => {
    const gguf = await convert(await tinyFile("q4_0"), "--container", "gguf");
    const { code, stderr } = await runHere("ll-convert", [gguf, "--container", "ggjt-v1", "--outfile", `${gguf}.out`]);
    expect(code).toBe(3);
    expect(stderr).toContain("tensor 'tok_embeddings.weight' of type q4_0 cannot be converted to f32");
  });
});

describeWithTestData("third-party models", () => {
  test("llama2.c → GGUF → ggjt is llama2.c → ggjt", async () => {
    const folder = testData("models/stories260k");
    const options = ["--vocab-dir", join(folder, "tok512.bin"), "--outtype", "f16", "--outfile"];
    const directory = await temporaryDirectory();
    const model = join(folder, "stories260K.bin");
    const direct = await convert(model, ...options, join(directory, "direct.bin"));
    const gguf = await convert(model, "--container", "gguf", ...options, join(directory, "m.gguf"));
    const { stderr } = await runHere("ll-convert", [gguf]);
    expect(stderr).toContain("run this model with -gqa 2\n");
    expect(await sha256File(join(directory, "m.bin"))).toBe(await sha256File(direct));
  });

  test("a GGUF file with a vocabulary and no weights has no model", async () => {
    const out = join(await temporaryDirectory(), "out.bin");
    const { code, stderr } = await runHere("ll-convert", [testData("vocab/llama-spm.gguf"), "--outfile", out]);
    expect(code).toBe(3);
    expect(stderr).toContain("tensor 'tok_embeddings.weight' is missing");
  });
});
