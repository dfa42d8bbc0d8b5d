import { readFileSync } from "node:fs";
import { link, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { goldenModelBytes } from "../../../../tools/golden-model.ts";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { sha256File, writeGgjt } from "../models.ts";
import { runHere, temporaryDirectory } from "../programs.ts";

const quantize = (...argv: string[]) => runHere("ll-quantize", argv);

interface QuantizeCase {
  readonly type: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly stdout: string;
}

function goldenCases(path: string): QuantizeCase[] {
  return (JSON.parse(readFileSync(path, "utf8")) as { cases: QuantizeCase[] }).cases;
}

const TIMINGS = /^\nmain: quantize time = +\d+\.\d\d ms\nmain: {4}total time = +\d+\.\d\d ms\n$/;

async function expectGolden(input: string, { type, bytes, sha256, stdout }: QuantizeCase): Promise<void> {
  const out = join(await temporaryDirectory(), "out.bin");
  const outcome = await quantize(input, out, type);
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.stdout.slice(0, stdout.length)).toBe(stdout);
  expect(outcome.stdout.slice(stdout.length)).toMatch(TIMINGS);
  expect((await readFile(out)).length).toBe(bytes);
  expect(await sha256File(out)).toBe(sha256);
}

describe("file and standard output are those of build 803", () => {
  test.each(goldenCases(fixture("tiny/golden/tiny-quantize.json")))("$type", async (golden) => {
    const input = join(await temporaryDirectory(), "f16.bin");
    expect((await runHere("ll-convert", [fixture("tiny/hf"), "--outfile", input])).code).toBe(0);
    await expectGolden(input, golden);
  });
});

describeWithTestData("a third party's model", () => {
  test.each(goldenCases(testData("golden/stories260k-quantize.json")))("$type", async (golden) => {
    await expectGolden(testData("models/stories260k/ggjt/f16.bin"), golden);
  });
});

/** Sizes and hashes recorded from build 803; @ll/convert checks all of its types. */
describe("the golden model", () => {
  async function goldenFile(): Promise<string> {
    const path = join(await temporaryDirectory(), "gold-f16.bin");
    await writeFile(path, goldenModelBytes());
    return path;
  }

  test("ends as build 803's does", async () => {
    const input = await goldenFile();
    const { stdout } = await quantize(input, `${input}.q`, "q4_0");
    expect(stdout).toContain(
      "llama_model_quantize_internal: model size  =     3.75 MB\n" +
        "llama_model_quantize_internal: quant size  =     1.09 MB\n" +
        "llama_model_quantize_internal: hist: 0.062 0.061 0.060 0.061 0.061 0.061 0.061 0.061 0.060 0.061 0.060 0.060 0.060 0.061 0.060 0.091 \n",
    );
    expect(await sha256File(`${input}.q`)).toBe("fc77f0ad2a2148bad120a3c1b24755549c0fd5ff74ffdd5305668e1afb91beee");
  });

  test("a K type prints no histogram", async () => {
    const input = await goldenFile();
    const { stdout } = await quantize(input, `${input}.q`, "Q4_K_M");
    expect(stdout).toContain("type =    f16, quantizing .. size =     0.25 MB ->     0.07 MB | hist: \n");
    expect(stdout).not.toContain("llama_model_quantize_internal: hist");
    expect(await sha256File(`${input}.q`)).toBe("1abb98fadad15dac8cef776d974cc30653b8d61ef24a5f38815a95c1913f5b3e");
  });

  test("--leave-output-tensor", async () => {
    const input = await goldenFile();
    await quantize("--leave-output-tensor", input, `${input}.q`, "q4_0");
    expect(await sha256File(`${input}.q`)).toBe("ca21be7933feeee152b1b4a9ba7fe6fd4a5ded4174279694b86fb2b50780fb2d");
  });
});

test("says on standard error what build 803 says", async () => {
  const directory = await temporaryDirectory();
  const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
  const first = await quantize(input, join(directory, "out.bin"), "q3_k_s", "4").catch(() => undefined);
  expect(first?.stderr).toContain(`main: quantizing '${input}' to '${directory}/out.bin' as Q3_K_S using 4 threads\n`);
  const { stderr } = await quantize(input, "q4_0");
  expect(stderr).toBe(
    [
      "main: build = 803 (1d656d636)",
      `main: quantizing '${input}' to '${directory}/ggml-model-Q4_0.bin' as Q4_0`,
      `llama.cpp: loading model from ${input}`,
      `llama.cpp: saving model to ${directory}/ggml-model-Q4_0.bin`,
      "",
    ].join("\n"),
  );
});

describe("refused, with nothing written", () => {
  test("a quantised tensor, unless allowed", async () => {
    const directory = await temporaryDirectory();
    const tensors = [{ name: "a.weight", shape: [2, 32], type: "q4_0" }];
    const input = await writeGgjt(join(directory, "in.bin"), tensors, { ftype: 2 });
    const { code, stdout, stderr } = await quantize(input, "q8_0");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      `llama_model_quantize: failed to quantize: requantizing from type q4_0 is disabled\nmain: failed to quantize model from '${input}'\n`,
    );
    expect(stderr).toContain("add --allow-requantize");
    expect(await readdir(directory)).toEqual(["in.bin"]);
    expect((await quantize("--allow-requantize", input, "q8_0")).code).toBe(0);
    expect(await readdir(directory)).toEqual(["ggml-model-Q8_0.bin", "in.bin"]);
  });

  test.each([
    ["NaN", Number.NaN, "1 NaN in 'a.weight'"],
    ["an infinity", Number.POSITIVE_INFINITY, "1 infinite weight in 'a.weight'"],
    ["3.4e38", 3.4e38, "weights of 'a.weight' are beyond what blocks of q4_0 can hold"],
  ])("%s among the weights, unless allowed", async (_, value, message) => {
    const directory = await temporaryDirectory();
    const values = new Float32Array(64).fill(0.5);
    values[40] = value;
    const tensors = [{ name: "a.weight", shape: [2, 32], bytes: new Uint8Array(values.buffer) }];
    const input = await writeGgjt(join(directory, "in.bin"), tensors);
    const { code, stderr } = await quantize("--quiet", input, "q4_0");
    expect(code).toBe(3);
    expect(stderr).toContain(`llama_model_quantize: failed to quantize: ${message}`);
    expect(stderr).toContain("--allow-nonfinite");
    expect(await readdir(directory)).toEqual(["in.bin"]);
    const allowed = await quantize("--allow-nonfinite", input, "q4_0");
    expect(allowed.code).toBe(0);
    expect(allowed.stderr).toContain("warning: weights of a.weight that are no numbers");
  });

  test.each(["x.gguf", "X.GGUF"])("a ggjt file by the name of %s", async (name) => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const { code, stderr } = await quantize(input, join(directory, name), "q4_0");
    expect(code).toBe(2);
    expect(stderr).toContain(`${name}' would be a ggjt file\nname it .bin`);
    expect(await readdir(directory)).toEqual(["in.bin"]);
  });

  test("rows that K types cannot hold", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [64, 32] }]);
    const { code, stdout, stderr } = await quantize(input, "q4_k_m");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      [
        "\n\n\n========================= Tensor sizes 32 x 64 are not divisible by 256",
        "This is required to be able to use k-quants for now!",
        "========================================================================================",
        "",
        "llama_model_quantize: failed to quantize: Unsupported tensor size encountered",
        "",
        `main: failed to quantize model from '${input}'`,
        "",
      ].join("\n"),
    );
    expect(await readdir(directory)).toEqual(["in.bin"]);
  });

  test("a file that is no model", async () => {
    const directory = await temporaryDirectory();
    const input = join(directory, "in.bin");
    await writeFile(input, "GGUX\x03\0\0\0 and more");
    const { code, stderr } = await quantize(input, "q4_0");
    expect(code).toBe(3);
    expect(stderr).toContain("failed to quantize: ");
    expect(stderr).toContain("is this really a GGML file?");
    expect(stderr).toContain("58554747");
    expect(await readdir(directory)).toEqual(["in.bin"]);
  });

  test("a file that does not exist", async () => {
    const outcome = await quantize("/nonexistent.bin", "/nonexistent.out", "q4_0");
    expect(outcome.code).toBe(4);
    expect(outcome.stderr).toContain(
      "llama_model_quantize: failed to quantize: failed to open /nonexistent.bin: No such file or directory\nmain: failed to quantize model from '/nonexistent.bin'\n",
    );
  });
});

test("an old file without scores is said to be one", async () => {
  const directory = await temporaryDirectory();
  // | ggml | n_vocab 1 … ftype 0 | length 1 | a |, no tensors
  const words = Uint32Array.of(0x67676d6c, 1, 32, 32, 1, 1, 32, 0, 1);
  const input = join(directory, "in.bin");
  await writeFile(input, Buffer.concat([Buffer.from(words.buffer), Buffer.from("a")]));
  const { code, stderr } = await quantize(input, "q4_0");
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(
    "llama.cpp: WARNING: input is an old file that doesn't have scores; will add dummy scores\n",
  );
});

describe("usage", () => {
  test("after a mistake: to standard error, the types to standard output, exit code 2", async () => {
    const { code, stdout, stderr } = await quantize("--allow-requantise", "in.bin", "q4_0");
    expect(code).toBe(2);
    expect(stderr).toBe(
      `error: unknown argument: --allow-requantise
Did you mean --allow-requantize?
usage: ll-quantize [--help] [--allow-requantize] [--leave-output-tensor] model-f32.bin [model-quant.bin] type [nthreads]

  --allow-requantize: Allows requantizing tensors that have already been quantized. Warning: This can severely reduce quality compared to quantizing from 16bit or 32bit
  --leave-output-tensor: Will leave output.weight un(re)quantized. Increases model size but may also increase quality, especially when requantizing

Allowed quantization types:
`,
    );
    expect(stdout.split("\n")).toHaveLength(20);
    expect(stdout).toContain(
      "   2  or  Q4_0   :  3.50G, +0.2499 ppl @ 7B - small, very high quality loss - legacy, prefer using Q3_K_M\n",
    );
    expect(stdout).toContain("  12  or  Q3_K   : alias for Q3_K_M\n");
    expect(stdout).toContain(
      "   0  or  F32    : 26.00G              @ 7B - absolutely huge, lossless - not recommended\n",
    );
  });

  test("after a wrong word: build 803's line and a hint", async () => {
    expect(await quantize("in.bin", "out.bin", "q9")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^main: invalid ftype 'q9'\nexpected one of q4_0 .*copy \(ll-quantize --help says more\)\n$/,
      ),
    });
  });

  test("on request: to standard output, two examples first, bits per weight for every type", async () => {
    const { code, stdout, stderr } = await quantize("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Examples:\n {2}ll-quantize .*\n {2}ll-quantize /);
    expect(stdout).toContain("   2  or  Q4_0    4.50 bits");
    expect(stdout).toContain("  18  or  Q6_K    6.56 bits");
  });
});

describe("the output", () => {
  test("that is the input, by whatever name, is refused and left alone", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const before = await sha256File(input);
    await symlink(input, join(directory, "symbolic.bin"));
    await link(input, join(directory, "hard.bin"));
    for (const name of ["in.bin", "symbolic.bin", "hard.bin", "./in.bin"]) {
      const { code, stderr } = await quantize(input, `${directory}/${name}`, "q4_0");
      expect(code, name).toBe(1);
      expect(stderr).toContain("is the input");
    }
    expect(await sha256File(input)).toBe(before);
    expect((await readdir(directory)).sort()).toEqual(["hard.bin", "in.bin", "symbolic.bin"]);
  });

  test("that exists is replaced, and kept with --no-clobber", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const out = join(directory, "out.bin");
    await writeFile(out, "old");
    expect((await quantize("--no-clobber", input, out, "q4_0")).code).toBe(1);
    expect(await readFile(out, "utf8")).toBe("old");
    expect((await quantize(input, out, "q4_0")).code).toBe(0);
    expect((await readFile(out)).subarray(0, 4).toString()).toBe("tjgg");
  });

  test("in a missing directory, or a directory itself, cannot be written", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    await mkdir(join(directory, "folder"));
    expect((await quantize(input, join(directory, "missing/out.bin"), "q4_0")).code).toBe(4);
    expect((await quantize(input, join(directory, "folder"), "q4_0")).code).toBe(4);
    expect((await readdir(directory)).sort()).toEqual(["folder", "in.bin"]);
  });

  test("with a name that begins with a number is not taken for a type", async () => {
    const directory = await temporaryDirectory();
    const input = await writeGgjt(join(directory, "in.bin"), [{ name: "a.weight", shape: [2, 32] }]);
    const out = join(directory, "2.bin");
    expect((await quantize(input, out, "q4_1")).code).toBe(0);
    expect(await readdir(directory)).toEqual(["2.bin", "in.bin"]);
  });
});
