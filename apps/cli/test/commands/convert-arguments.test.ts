import { describe, expect, test } from "vitest";
import { parseConvertArguments } from "../../src/commands/convert-arguments.ts";
import { Refusal, UsageError } from "../../src/errors.ts";

const parse = (...argv: string[]) => parseConvertArguments("ll-convert", argv);

test("defaults", () => {
  expect(parse("models/7B")).toEqual({
    model: "models/7B",
    outType: undefined,
    container: 3,
    params: {},
    vocabDir: undefined,
    outFile: undefined,
    mode: "convert",
    noClobber: false,
    progress: true,
    quiet: false,
  });
});

test("every option, before or after the model", () => {
  expect(
    parse(
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
    ),
  ).toEqual({
    model: "m",
    outType: "f16",
    container: 1,
    params: { normEps: 1e-5, ropeFreqBase: 1e6, ropeFreqScale: 0.25, contextTokens: 4096 },
    vocabDir: "v",
    outFile: "o",
    mode: "vocab-only",
    noClobber: true,
    progress: false,
    quiet: false,
  });
});

test("the later of two equal flags wins", () => {
  expect(parse("m", "--outtype", "f16", "--outtype", "f32")).toMatchObject({ outType: "f32" });
});

test("-- ends the flags", () => {
  expect(parse("--outtype", "f16", "--", "--dump")).toMatchObject({ model: "--dump", mode: "convert" });
});

describe("usage errors", () => {
  test.each([
    [["m", "--outtpye", "f16"], /unknown option '--outtpye'.*Did you mean --outtype\?/],
    [["m", "--outtype"], /'--outtype <type>' argument missing/],
    [["m", "--outfile", "--dump"], /written \.\/--/],
    [["m", "--outtype", "f64"], /--outtype expected f32 or f16, got f64/],
    [["m", "--container", "ggml"], /--container expected ggjt-v3, ggjt-v1 or gguf, got ggml/],
    [["m", "--rms-norm-eps", "0"], /'--rms-norm-eps <eps>' argument '0' is invalid. A positive number/],
    [["m", "--rope-freq-base", "x"], /'--rope-freq-base <base>' argument 'x' is invalid/],
    [["m", "--rope-freq-scale", "1e99"], /'--rope-freq-scale <scale>' argument '1e99' is invalid/],
    [["m", "--context-length", "1.5"], /'--context-length <tokens>' argument '1.5' is invalid. A whole number from 1/],
    [["m", "--dump", "--dump-single"], /exclude each other/],
    [["m", "--vocab-only"], /^need --outfile if using --vocab-only$/],
    [[], /missing required argument 'model'/],
    [["m", "n"], /too many arguments/],
  ])("%j", (argv, message) => {
    expect(() => parse(...argv)).toThrow(UsageError);
    expect(() => parse(...argv)).toThrow(message);
  });
});

test.each(["q4_0", "q4_1"])("--outtype %s is refused and names ll-quantize", (type) => {
  expect(() => parse("m", "--outtype", type)).toThrow(
    expect.toSatisfy((error) => error instanceof Refusal && error.hint?.includes(`ll-quantize FILE ${type}`) === true),
  );
});

test("--help opens with two examples; --version names the program", () => {
  expect(parse("--help")).toEqual({ text: expect.stringMatching(/^Examples:\n {2}ll-convert .*\n {2}ll-convert /) });
  expect(parse("--version")).toEqual({ text: expect.stringMatching(/^ll-convert \d+\.\d+\.\d+.*, Node \d+/) });
});
