import { describe, expect, test } from "vitest";
import { parseQuantizeArguments } from "../../src/commands/quantize-arguments.ts";
import { UsageError } from "../../src/errors.ts";

const parse = (...argv: string[]) => parseQuantizeArguments(argv);
const type = (id: number, name: string) => ({ type: expect.objectContaining({ id, name }) });

describe("positional arguments", () => {
  test.each([
    // IN OUT TYPE [NTHREADS]
    ["in.bin out.bin q4_0", { inFile: "in.bin", outFile: "out.bin", ...type(2, "Q4_0"), nThreads: 0 }],
    ["in.bin out.bin 2 4", { outFile: "out.bin", ...type(2, "Q4_0"), nThreads: 4 }],
    ["in.bin out.bin Q3_k_M", { outFile: "out.bin", ...type(12, "Q3_K_M") }],
    ["in.bin out.bin 12", { outFile: "out.bin", ...type(12, "Q3_K") }],
    ["in.bin out.bin 2abc", { outFile: "out.bin", ...type(2, "Q4_0") }],
    ["in.bin out.bin q8_0 8x", { outFile: "out.bin", ...type(7, "Q8_0"), nThreads: 8 }],
    ["in.bin out.bin q8_0 -1", { outFile: "out.bin", ...type(7, "Q8_0"), nThreads: -1 }],
    // OUT left out, with and without NTHREADS
    ["in.bin q4_0", { outFile: "ggml-model-Q4_0.bin", ...type(2, "Q4_0"), nThreads: 0 }],
    ["in.bin q4_0 4", { outFile: "ggml-model-Q4_0.bin", ...type(2, "Q4_0"), nThreads: 4 }],
    ["a/b/in.bin q3_k", { outFile: "a/b/ggml-model-Q3_K.bin", ...type(12, "Q3_K") }],
    ["/in.bin 18", { outFile: "/ggml-model-Q6_K.bin", ...type(18, "Q6_K") }],
    // names that begin with a number, and numbers that are no type
    ["in.bin 2.bin q4_1", { outFile: "2.bin", ...type(3, "Q4_1") }],
    ["in.bin 2abc 8", { outFile: "2abc", ...type(8, "Q5_0") }],
    ["in.bin 5 q4_1", { outFile: "5", ...type(3, "Q4_1") }],
    ["in.bin q4_0.bin f16", { outFile: "q4_0.bin", ...type(1, "F16") }],
  ])("%s", (line, expected) => {
    expect(parse(...line.split(" "))).toMatchObject(expected);
  });
});

test("flags stand before the input, and the same one may be given twice", () => {
  expect(parse("--allow-requantize", "--leave-output-tensor", "--allow-requantize", "in.bin", "q4_0")).toMatchObject({
    allowRequantize: true,
    leaveOutputTensor: true,
    noClobber: false,
    progress: true,
  });
  expect(parse("--no-clobber", "--no-progress", "in.bin", "q4_0")).toMatchObject({
    allowRequantize: false,
    leaveOutputTensor: false,
    noClobber: true,
    progress: false,
  });
});

test("-- ends the flags", () => {
  expect(parse("--", "--in.bin", "--out.bin", "q4_0")).toMatchObject({ inFile: "--in.bin", outFile: "--out.bin" });
});

test("help and version need nothing else", () => {
  expect(parse("--help")).toBe("help");
  expect(parse("-h")).toBe("help");
  expect(parse("--version")).toBe("version");
});

describe("usage errors", () => {
  const HELP_HINT =
    "expected one of q4_0 q4_1 q5_0 q5_1 q2_k q3_k q3_k_s q3_k_m q3_k_l q4_k q4_k_s q4_k_m q5_k q5_k_s q5_k_m q6_k q8_0 f16 f32 (ll-quantize --help says more)";

  test.each<[string, string, string?]>([
    ["", "expected a model file and a type"],
    ["in.bin", "expected a model file and a type"],
    ["in.bin q4_9", "main: missing ftype", "Did you mean q4_0?"],
    ["in.bin out.bin", "main: missing ftype", HELP_HINT],
    ["in.bin 2.bin", "main: missing ftype", HELP_HINT],
    ["in.bin out.bin Q5_00", "main: invalid ftype 'Q5_00'", "Did you mean q5_0?"],
    ["in.bin out.bin q9", "main: invalid ftype 'q9'", HELP_HINT],
    ["in.bin out.bin 5", "main: invalid ftype '5'", HELP_HINT],
    ["in.bin out.bin q4_0 x2", "main: invalid nthread 'x2' (stoi)"],
    [
      "in.bin q4_0 --allow-requantize",
      "main: invalid nthread '--allow-requantize' (stoi)",
      "options stand before the model file",
    ],
    ["in.bin out.bin q4_0 99999999999", "main: invalid nthread '99999999999' (stoi)"],
    ["q4_0 in.bin", "main: 'q4_0' is a type, not a model file", "the type stands last: in.bin q4_0"],
    ["Q4_0 in.bin out.bin", "main: 'Q4_0' is a type, not a model file", "the type stands last: in.bin out.bin Q4_0"],
    ["in.bin out.bin q4_0 2 more", "unexpected argument 'more'"],
    ["--leave-ouput-tensor in.bin q4_0", "unknown option '--leave-ouput-tensor' (Did you mean --leave-output-tensor?)"],
    ["--xyz in.bin q4_0", "unknown option '--xyz'"],
  ])("%j: %s", (line, message, hint) => {
    const argv = line === "" ? [] : line.split(" ");
    expect(() => parse(...argv)).toThrow(new UsageError(message, hint));
  });
});
