import { type FileType, FTYPES } from "@ll/quant";
import { describe, expect, test } from "vitest";
import {
  defaultOutFile,
  type QuantizeArguments,
  readQuantizeArguments,
} from "../../src/commands/quantize-arguments.ts";
import { UsageError } from "../../src/errors.ts";
import { term } from "../../src/terminal.ts";
import { captured, runHere } from "../programs.ts";

function parse(...argv: string[]): Promise<QuantizeArguments | undefined> {
  return readQuantizeArguments("ll-quantize", argv, {
    out: term(captured()),
    err: term(captured()),
    env: { HOME: "/home/me" },
  });
}
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
    ["in.bin q4_0", { outFile: undefined, ...type(2, "Q4_0"), nThreads: 0 }],
    ["in.bin q4_0 4", { outFile: undefined, ...type(2, "Q4_0"), nThreads: 4 }],
    ["a/b/in.bin q3_k", { outFile: undefined, ...type(12, "Q3_K") }],
    ["/in.bin 18", { outFile: undefined, ...type(18, "Q6_K") }],
    // types of GGUF files alone
    ["in.gguf iq4_xs", { outFile: undefined, ...type(30, "IQ4_XS") }],
    ["in.gguf out.gguf 38", { outFile: "out.gguf", ...type(38, "MXFP4_MOE") }],
    ["in.gguf copy", { outFile: undefined, ...type(-1, "COPY") }],
    // names that begin with a number, and numbers that are no type
    ["in.bin 2.bin q4_1", { outFile: "2.bin", ...type(3, "Q4_1") }],
    ["in.bin 2abc 8", { outFile: "2abc", ...type(8, "Q5_0") }],
    ["in.bin 5 q4_1", { outFile: "5", ...type(3, "Q4_1") }],
    ["in.bin q4_0.bin f16", { outFile: "q4_0.bin", ...type(1, "F16") }],
  ])("%s", async (line, expected) => {
    expect(await parse(...line.split(" "))).toMatchObject(expected);
  });
});

test("options stand anywhere, and the same one may be given twice", async () => {
  expect(
    await parse("--allow-requantize", "in.bin", "--leave-output-tensor", "q4_0", "--allow_requantize"),
  ).toMatchObject({ allowRequantize: true, leaveOutputTensor: true, noClobber: false, progress: true, nThreads: 0 });
  expect(await parse("--no-clobber", "--no-progress", "in.bin", "q4_0")).toMatchObject({
    allowRequantize: false,
    leaveOutputTensor: false,
    noClobber: true,
    progress: false,
  });
});

test("OUT is beside IN if it is left out", () => {
  const [q4_0] = FTYPES as [FileType];
  expect(defaultOutFile("in.bin", q4_0, ".bin")).toBe("ggml-model-Q4_0.bin");
  expect(defaultOutFile("a/b/in.gguf", q4_0, ".gguf")).toBe("a/b/ggml-model-Q4_0.gguf");
  expect(defaultOutFile("/in.bin", q4_0, ".bin")).toBe("/ggml-model-Q4_0.bin");
});

test("options for GGUF files", async () => {
  const line = [
    ...["--output-tensor-type", "Q8_0", "--token-embedding-type", "q4_k", "--tensor-type", "ATTN_(v|K)=IQ4_NL"],
    ...["--tensor-type=ffn=q6_K", "--imatrix", "w.gguf", "--include-weights", "a", "--include-weights", "b"],
    ...["--override-kv", "a.b=int:-7", "--override-kv", "c=float:1e-5", "--override-kv", "d=bool:false"],
    ...["--override-kv", "e=str:x=y:z", "--override-kv", "a.b=int:8", "--prune-layers", "1,2", "--prune-layers", "30"],
    ...["--pure", "--keep-split", "--dry-run"],
  ];
  expect(await parse(...line, "in.gguf", "q4_0")).toMatchObject({
    outputTensorType: "q8_0",
    tokenEmbeddingType: "q4_K",
    tensorTypes: [
      { pattern: /attn_(v|k)/, type: "iq4_nl" },
      { pattern: /ffn/, type: "q6_K" },
    ],
    imatrix: "w.gguf",
    includedWeights: ["a", "b"],
    overrides: new Map<string, unknown>([
      ["c", { type: "f32", value: Math.fround(1e-5) }],
      ["d", { type: "bool", value: false }],
      ["e", { type: "string", value: "x=y:z" }],
      ["a.b", { type: "u32", value: 8 }],
    ]),
    pruneLayers: [1, 2, 30],
    pure: true,
    keepSplit: true,
    isDryRun: true,
  });
});

test.each([
  ["--output-tensor-type q9", "expected one of f32 f16 q4_0"],
  ["--token-embedding-type iq1_s", "expected one of f32 f16 q4_0"],
  ["--tensor-type attn_v", "expected PATTERN=TYPE, got attn_v"],
  ["--tensor-type attn_v=q9", "expected one of f32"],
  ["--tensor-type (=q8_0", "expected a regular expression before the =, got ("],
  ["--tensor-type-file /nonexistent", "error: failed to open file '/nonexistent'"],
  ["--override-kv a=b", "expected KEY=int|float|bool|str:VALUE, got a=b"],
  ["--override-kv a=int:1.5", "expected a whole number below 2^32, got 1.5"],
  ["--override-kv a=int:4294967296", "expected a whole number below 2^32, got 4294967296"],
  ["--override-kv a=float:1e99", "expected a number that binary32 holds, got 1e99"],
  ["--override-kv a=bool:1", "expected true or false, got 1"],
  ["--prune-layers 1,,2", "expected numbers of layers, got 1,,2"],
  ["--prune-layers -1", "expected numbers of layers, got -1"],
])("%s", async (line, hint) => {
  const words = line.split(" ");
  const error = await parse(...words, "in.gguf", "q4_0").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(error).toMatchObject({
    message: `error: invalid parameter for argument: ${words[0]}`,
    hint: expect.stringContaining(hint),
  });
});

test("importance is chosen one way", async () => {
  const words = ["--include-weights", "a", "--exclude-weights", "b", "in.gguf", "q4_0"];
  await expect(parse(...words)).rejects.toThrow("--include-weights and --exclude-weights exclude each other");
});

test("-- ends the options", async () => {
  expect(await parse("--", "--in.bin", "--out.bin", "q4_0")).toMatchObject({
    inFile: "--in.bin",
    outFile: "--out.bin",
  });
});

test("~ is the home directory", async () => {
  expect(await parse("~/in.bin", "q4_0")).toMatchObject({
    inFile: "/home/me/in.bin",
    outFile: undefined,
  });
  expect(await parse("a", "~/out.bin", "q4_0")).toMatchObject({ inFile: "a", outFile: "/home/me/out.bin" });
});

test("help and version need nothing else", async () => {
  for (const flag of ["--help", "-h", "--version"]) {
    expect(await parse(flag)).toBeUndefined();
    expect(await runHere("ll-quantize", [flag])).toMatchObject({ code: 0, stderr: "" });
  }
});

describe("usage errors", () => {
  const HELP_HINT =
    "expected one of q4_0 q4_1 q5_0 q5_1 q2_k q3_k q3_k_s q3_k_m q3_k_l q4_k q4_k_s q4_k_m q5_k q5_k_s q5_k_m q6_k q8_0 f16 f32 " +
    "q2_k_s iq4_nl iq4_xs bf16 tq1_0 tq2_0 mxfp4_moe q1_0 q2_0 copy (ll-quantize --help says more)";

  const notMade = (name: string): string =>
    `${name} files run, but ll-quantize does not make them: take q2_k, q3_k_s or iq4_xs, best with --imatrix`;

  const THREADS_HINT = "expected a number of threads behind the type";

  test.each<[string, string, string?]>([
    ["", "expected a model file and a type"],
    ["in.bin", "expected a model file and a type"],
    ["in.bin q4_9", "main: missing ftype", "Did you mean q4_0?"],
    ["in.bin out.bin", "main: missing ftype", HELP_HINT],
    ["in.bin 2.bin", "main: missing ftype", HELP_HINT],
    ["in.bin out.bin Q5_00", "main: invalid ftype 'Q5_00'", "Did you mean q5_0?"],
    ["in.bin out.bin q9", "main: invalid ftype 'q9'", HELP_HINT],
    ["in.bin out.bin IQ2_XS", "main: invalid ftype 'IQ2_XS'", notMade("IQ2_XS")],
    ["in.bin out.bin 27", "main: invalid ftype '27'", notMade("IQ3_M")],
    ["in.bin iq1_s", "main: missing ftype", notMade("IQ1_S")],
    ["in.bin out.bin 5", "main: invalid ftype '5'", HELP_HINT],
    ["in.bin out.bin q4_0 x2", "main: invalid nthread 'x2' (stoi)", THREADS_HINT],
    ["in.bin out.bin q4_0 99999999999", "main: invalid nthread '99999999999' (stoi)", THREADS_HINT],
    [
      "in.bin q4_0 out.bin",
      "main: invalid nthread 'out.bin' (stoi)",
      "the type stands behind the file to write: in.bin out.bin q4_0",
    ],
    [
      "in.bin q4_0 out.bin 4",
      "main: invalid nthread 'out.bin' (stoi)",
      "the type stands behind the file to write: in.bin out.bin q4_0 4",
    ],
    ["q4_0 in.bin", "main: 'q4_0' is a type, not a model file", "the type stands last: in.bin q4_0"],
    ["Q4_0 in.bin out.bin", "main: 'Q4_0' is a type, not a model file", "the type stands last: in.bin out.bin Q4_0"],
    ["in.bin out.bin q4_0 2 more", "unexpected argument 'more'"],
    [
      "--leave-ouput-tensor in.bin q4_0",
      "error: unknown argument: --leave-ouput-tensor",
      "Did you mean --leave-output-tensor?",
    ],
    ["in.bin q4_0 --xyz", "error: unknown argument: --xyz"],
  ])("%j: %s", async (line, message, hint) => {
    const argv = line === "" ? [] : line.split(" ");
    const error = await parse(...argv).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ message, hint });
  });
});
