import { describe, expect, test } from "vitest";
import { readConvertArguments } from "../../src/commands/convert-arguments.ts";
import { Refusal, UsageError } from "../../src/errors.ts";
import { term } from "../../src/terminal.ts";
import { captured, runHere } from "../programs.ts";

const parse = (...argv: string[]) =>
  readConvertArguments("ll-convert", argv, { out: term(captured()), err: term(captured()), env: {} });

test("defaults", async () => {
  expect(await parse("models/7B")).toEqual({
    model: "models/7B",
    outType: undefined,
    container: 3,
    params: {},
    vocabDir: undefined,
    outFile: undefined,
    mode: "convert",
    allowNonFinite: false,
    noClobber: false,
    progress: true,
    quiet: false,
    json: false,
  });
});

test("every option, before or after the model", async () => {
  expect(
    await parse(
      "--outtype",
      "f16",
      "m",
      "--outfile=o",
      "--container",
      "ggjt-v1",
      "--vocab-dir",
      "v",
      "--vocab-only",
      "--rms-norm-eps=1e-5",
      "--rope-freq-base",
      "1e6",
      "--rope-freq-scale",
      ".25",
      "--context-length",
      "4096",
      "--no-clobber",
      "--no-progress",
      "--allow-nonfinite",
    ),
  ).toEqual({
    model: "m",
    outType: "f16",
    container: 1,
    params: { normEps: 1e-5, ropeFreqBase: 1e6, ropeFreqScale: 0.25, contextTokens: 4096 },
    vocabDir: "v",
    outFile: "o",
    mode: "vocab-only",
    allowNonFinite: true,
    noClobber: true,
    progress: false,
    quiet: false,
    json: false,
  });
});

test("the later of two equal flags wins", async () => {
  expect(await parse("m", "--outtype", "f16", "--outtype", "f32")).toMatchObject({ outType: "f32" });
});

test("-- ends the flags", async () => {
  expect(await parse("--outtype", "f16", "--", "--dump")).toMatchObject({ model: "--dump", mode: "convert" });
});

describe("usage errors", () => {
  test.each([
    [["m", "--outtpye", "f16"], /unknown argument: --outtpye\nDid you mean --outtype\?/],
    [["m", "--outtype"], /argument: --outtype\nexpected TYPE \(.*, got nothing/],
    [["m", "--outfile", "--dump"], /argument: --outfile\n.* written \.\/--/],
    [["m", "--outtype", "f64"], /argument: --outtype\nexpected f32, f16, bf16, q8_0, auto, got "f64"/],
    [["m", "--container", "ggml"], /argument: --container\nexpected ggjt-v3, ggjt-v1 or gguf, got "ggml"/],
    [["m", "--rms-norm-eps", "0"], /argument: --rms-norm-eps\nexpected a positive number, got "0"/],
    [["m", "--rope-freq-base", "x"], /argument: --rope-freq-base\nexpected a number, got "x"/],
    [["m", "--rope-freq-scale", "1e99"], /argument: --rope-freq-scale\nexpected a positive number, got "1e99"/],
    [["m", "--context-length", "1.5"], /argument: --context-length\nexpected a whole number, got "1.5"/],
    [["m", "--dump", "--dump-single"], /exclude each other/],
    [["m", "--vocab-only"], /^need --outfile if using --vocab-only\n/],
    [[], /no model given/],
    [["m", "n"], /more than one model given: m and n/],
  ])("%j", async (argv, message) => {
    const error: unknown = await parse(...argv).catch((thrown: unknown) => thrown);
    if (!(error instanceof UsageError)) throw error;
    expect(`${error.message}\n${error.hint}`).toMatch(message);
  });
});

test.each(["q4_0", "q4_1"])("--outtype %s is refused and names ll-quantize", async (type) => {
  const error: unknown = await parse("m", "--outtype", type).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refusal);
  expect((error as Refusal).hint).toContain(`ll-quantize FILE ${type}`);
});

test("--help opens with two examples; --version names the program", async () => {
  expect((await runHere("ll-convert", ["--help"])).stdout).toMatch(/^Examples:\n {2}ll-convert .*\n {2}ll-convert /);
  expect((await runHere("ll-convert", ["--version"])).stdout).toMatch(/^ll-convert \d+\.\d+\.\d+.*, Node \d+/);
});

test("a name that ends in .gguf says the container, and contradicts another one", async () => {
  expect(await parse("m", "--outfile", "x.gguf")).toMatchObject({ container: "gguf" });
  expect(await parse("m", "--outfile", "X.GGUF", "--vocab-only")).toMatchObject({ container: "gguf" });
  expect(await parse("m", "--outfile", "x.gguf", "--container", "gguf")).toMatchObject({ container: "gguf" });
  expect(await parse("m", "--outfile", "x.gguf.bin")).toMatchObject({ container: 3 });
  expect(await parse("m", "--outfile", "x.bin", "--container", "gguf")).toMatchObject({ container: "gguf" });
  for (const container of ["ggjt-v3", "ggjt-v1"]) {
    const work = parse("m", "--outfile", "x.gguf", "--container", container);
    await expect(work).rejects.toThrow("x.gguf would be a ggjt file");
  }
  await expect(parse("m", "--lora", "a", "--outfile", "x.gguf")).rejects.toThrow("x.gguf would be a ggla file");
});
