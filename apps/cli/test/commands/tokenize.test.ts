import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySink } from "@ll/bytes";
import { createGgufWriter, type WritableValue } from "@ll/gguf";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { tinyGguf } from "../gguf-model.ts";
import { ended, type Outcome, runHere, runProcess, start, temporaryDirectory } from "../programs.ts";

const VOCAB = fixture("tiny/hf/tokenizer.model");

/** Runs a program as a process that reads `input`. */
function withInput(argv: readonly string[], input: string | Uint8Array): Promise<Outcome> {
  const child = start(argv);
  child.stdin?.write(input);
  return ended(child);
}

async function modelFile(): Promise<string> {
  const path = join(await temporaryDirectory(), "model.bin");
  await writeFile(path, await tinyModel("f16"));
  return path;
}

describe("ll-tokenize", () => {
  test("the same ids from model files and from the tokenizer.model they were made with", async () => {
    const gguf = join(await temporaryDirectory(), "model.gguf");
    await writeFile(gguf, await tinyGguf());
    for (const vocab of [VOCAB, await modelFile(), gguf]) {
      const { code, stdout, stderr } = await runHere("ll-tokenize", [vocab, "--bos", " Once upon a time"]);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "1 385 386 261 370\n", stderr: "" });
    }
  });

  test("--sentencepiece puts the space in front", async () => {
    const { stdout } = await runHere("ll-tokenize", [VOCAB, "--sentencepiece", "Once upon a time"]);
    expect(stdout).toBe("385 386 261 370\n");
    expect((await runHere("ll-tokenize", [VOCAB, "Once upon a time"])).stdout).not.toBe(stdout);
  });

  test("--pieces: one line for each id; bytes and line ends stay on it", async () => {
    const { stdout } = await runHere("ll-tokenize", [VOCAB, "--pieces", " time\né"]);
    expect(stdout).toBe("   370 -> ' time'\n    13 -> '\\n'\n   198 -> '\\xc3'\n   172 -> '\\xa9'\n");
  });

  test("--json: ids and texts; what is no UTF-8 by itself is a list of bytes", async () => {
    const { stdout } = await runHere("ll-tokenize", [VOCAB, "--json", " timeé"]);
    expect(JSON.parse(stdout)).toEqual({ version: 1, ids: [370, 198, 172], pieces: [" time", [0xc3], [0xa9]] });
  });

  test("a file is taken byte for byte: no space in front, the last newline kept, a BOM kept", async () => {
    const path = join(await temporaryDirectory(), "text");
    await writeFile(path, "\ufeff time\n");
    const { stdout } = await runHere("ll-tokenize", [VOCAB, "-f", path]);
    expect(stdout).toBe(`${[0xef, 0xbb, 0xbf].map((byte) => byte + 3).join(" ")} 370 13\n`);
  });

  test("without a text, and for -f -, standard input is read", async () => {
    expect(await withInput(["ll-tokenize", VOCAB], " time\n")).toMatchObject({ code: 0, stdout: "370 13\n" });
    expect(await withInput(["ll-tokenize", VOCAB, "-f", "-"], Uint8Array.of(0xff))).toMatchObject({ stdout: "258\n" });
    expect(await withInput(["ll-tokenize", VOCAB], "")).toMatchObject({ code: 0, stdout: "\n" });
  });

  test("a text without end is refused; a pipe is a file like any other", async () => {
    const endless = await runHere("ll-tokenize", [VOCAB, "-f", "/dev/zero"]);
    expect(endless).toMatchObject({ code: 1, stdout: "" });
    expect(endless.stderr).toContain("more than 268435456 bytes");
    const piped = await runProcess(["ll-tokenize", VOCAB, "-f", "/dev/stdin"], { shellPrefix: "printf ' time' |" });
    expect(piped).toMatchObject({ code: 0, stdout: "370\n" });
  });

  test.each([
    ["no model", [], /: no model given\nusage: ll-tokenize /],
    ["words without quotes", [VOCAB, "a", "b"], /more than one text/],
    ["text and file", [VOCAB, "a", "-f", "b"], /both a text and --file/],
    ["two outputs", [VOCAB, "a", "--json", "--pieces"], /exclude each other/],
    ["a mistyped option", [VOCAB, "--peices", "a"], /Did you mean --pieces\?/],
  ])("%s is a usage error", async (_name, argv, message) => {
    const { code, stdout, stderr } = await runHere("ll-tokenize", argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("a file with no vocabulary in it: exit code 3; none at all: 4", async () => {
    const config = await runHere("ll-tokenize", [fixture("tiny/hf/config.json"), "a"]);
    expect(config.code, config.stderr).toBe(3);
    expect((await runHere("ll-tokenize", ["/nonexistent", "a"])).code).toBe(4);
    expect((await runHere("ll-tokenize", [VOCAB, "-f", "/nonexistent"])).code).toBe(4);
    const cut = join(await temporaryDirectory(), "cut.bin");
    await writeFile(cut, (await tinyModel("f16")).subarray(0, 1000));
    expect((await runHere("ll-tokenize", [cut, "a"])).code).toBe(3);
  });

  test.each([
    ["of another kind", { "tokenizer.ggml.model": { type: "string", value: "t5" } }, 'the kind "t5"'],
    ["of no kind", {}, 'the kind "none"'],
    [
      "without its arrays",
      { "tokenizer.ggml.model": { type: "string", value: "llama" } },
      "(field tokenizer.ggml.tokens",
    ],
  ] as const)("a GGUF file with a vocabulary %s: exit code 3", async (_name, metadata, message) => {
    const sink = memorySink();
    const plan = { metadata: new Map<string, WritableValue>(Object.entries(metadata)), tensors: [] };
    await (await createGgufWriter(sink, plan)).finish();
    const path = join(await temporaryDirectory(), "m.gguf");
    await writeFile(path, sink.bytes());
    const { code, stderr } = await runHere("ll-tokenize", [path, "a"]);
    expect(code, stderr).toBe(3);
    expect(stderr).toContain(message);
  });
});

test("long texts: ids come while the rest is still encoded, and a signal ends it between two pieces", async () => {
  const folder = await temporaryDirectory();
  const [text, idFile] = [join(folder, "text"), join(folder, "ids")];
  await writeFile(text, "Once upon a time ".repeat(2_000_000));
  await writeFile(idFile, "385 386 261 370 ".repeat(1_000_000));
  for (const [argv, whole] of [
    [["ll-tokenize", VOCAB, "-f", text], 2_000_000 * "385 386 261 370 ".length],
    [["ll-tokenize", VOCAB, "-f", text, "--pieces"], 8_000_000 * "   385 -> ' Once'\n".length],
    [["ll-detokenize", VOCAB, "-f", idFile], 1_000_000 * " Once upon a time".length],
  ] as const) {
    const child = start(argv);
    child.stdout?.once("data", () => child.kill("SIGTERM"));
    const { code, stdout } = await ended(child);
    expect(code).toBe(143);
    expect(stdout.length).toBeGreaterThan(0);
    expect(stdout.length).toBeLessThan(whole / 2);
  }
});

describe("ll-detokenize", () => {
  test("ids as arguments: the text and nothing else", async () => {
    const { code, stdout, stderr } = await runHere("ll-detokenize", [VOCAB, "1", "385", "386", "261", "370"]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: " Once upon a time", stderr: "" });
  });

  test("what ll-tokenize printed comes back, in each of its forms, byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256);
    const path = join(await temporaryDirectory(), "bytes");
    await writeFile(path, bytes);
    const { stdout: ids } = await runHere("ll-tokenize", [VOCAB, "-f", path]);
    const list = JSON.parse((await runHere("ll-tokenize", [VOCAB, "--json", "-f", path])).stdout).ids;
    for (const input of [ids, JSON.stringify(list)]) {
      const child = start(["ll-detokenize", VOCAB]);
      const chunks: Buffer[] = [];
      child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.stdin?.end(input);
      await new Promise((resolve) => child.on("close", resolve));
      expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
    }
  });

  test("--json and --pieces", async () => {
    expect((await runHere("ll-detokenize", [VOCAB, "370,13", "--json"])).stdout).toBe(
      '{"version":1,"text":" time\\n"}\n',
    );
    expect((await runHere("ll-detokenize", [VOCAB, "370", "1", "--pieces"])).stdout).toBe(
      "   370 -> ' time'\n     1 -> ''\n",
    );
  });

  test.each([["1024"], ["x"], ["1.5"], ["1e3"], ["0x10"]])("%s is no id of a vocabulary of 1024", async (id) => {
    const { code, stdout, stderr } = await runHere("ll-detokenize", [VOCAB, id]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`ll-detokenize: "${id}" is no id\nids of this model are whole numbers from 0 to 1023\n`);
  });
});

describeWithTestData("LLaMA's own vocabulary", () => {
  test("the same ids from every kind of file", async () => {
    for (const name of ["llama-tokenizer.model", "llama-ggjt-v1.bin", "llama-ggmf-v1.bin", "llama-spm.gguf"]) {
      const { stdout, stderr } = await runHere("ll-tokenize", [testData(`vocab/${name}`), "Hello World"]);
      expect(stdout, stderr).toBe("10994 2787\n");
    }
  });
});
