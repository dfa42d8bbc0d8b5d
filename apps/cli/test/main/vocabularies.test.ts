// Vocabularies that are not LLaMA's own: other ends of a text, prompts that begin otherwise, few pieces, ids without a piece.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { memorySink, memorySource } from "@ll/bytes";
import { createGgmlWriter } from "@ll/ggml-format";
import { type GgufArray, openGguf, type WritableValue } from "@ll/gguf";
import { configFromGgml, expectedTensors } from "@ll/llama";
import { describe, expect, test } from "vitest";
import { tinyGguf, withKeys } from "../gguf-model.ts";
import { ended, runHere, start, temporaryDirectory } from "../programs.ts";

async function fileWith(changes: Record<string, WritableValue | undefined>): Promise<string> {
  const path = join(await temporaryDirectory(), "m.gguf");
  await writeFile(path, await withKeys(await tinyGguf(), changes));
  return path;
}

const id = (value: number): WritableValue => ({ type: "u32", value });
const no: WritableValue = { type: "bool", value: false };
const RUN = ["-s", "3", "-t", "1"];

/** The ids that ll-main shows. */
async function promptIds(path: string, ...options: string[]): Promise<number[]> {
  const { stderr } = await runHere("ll-main", ["-m", path, "-n", "1", "--verbose-prompt", ...RUN, ...options]);
  return Array.from(stderr.matchAll(/^ *(\d+) -> '/gm), ([, number]) => Number(number));
}

describe("what goes in front of a prompt", () => {
  test("is what the file asks for, in all programs", async () => {
    const { ids: plain } = JSON.parse((await runHere("ll-tokenize", [await fileWith({}), "--json", "Once"])).stdout);
    const cases: [Record<string, WritableValue>, number[]][] = [
      [{}, [1, 385]],
      [{ "tokenizer.ggml.add_bos_token": no }, [385]],
      [{ "tokenizer.ggml.add_space_prefix": no }, [1, ...plain]],
      [{ "tokenizer.ggml.add_bos_token": no, "tokenizer.ggml.add_space_prefix": no }, plain],
      [{ "tokenizer.ggml.bos_token_id": id(2) }, [2, 385]],
    ];
    for (const [changes, expected] of cases) {
      const path = await fileWith(changes);
      expect(await promptIds(path, "-p", "Once")).toEqual(expected);
      const { stdout } = await runHere("ll-tokenize", [path, "--as-prompt", "Once"]);
      expect(stdout).toBe(`${expected.join(" ")}\n`);
    }
  });

  test("a prompt to which nothing is added, and that is empty, is refused", async () => {
    const path = await fileWith({ "tokenizer.ggml.add_bos_token": no, "tokenizer.ggml.add_space_prefix": no });
    for (const bin of ["ll-main", "ll-embedding"]) {
      const { code, stderr } = await runHere(bin, ["-m", path, "-p", "", "-n", "1", ...RUN]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("the prompt is empty")]);
    }
  });

  test("ll-perplexity begins its chunks with BOS only where the file wants it", async () => {
    const run = async (path: string): Promise<string> => {
      const text = "Once upon a time there was a little girl who loved to play outside in the park. ".repeat(4);
      const { stdout } = await runHere("ll-perplexity", ["-m", path, "-p", text, "-c", "32", ...RUN]);
      return stdout;
    };
    const [plain, without] = [
      await run(await fileWith({})),
      await run(await fileWith({ "tokenizer.ggml.add_bos_token": no })),
    ];
    expect(plain).toMatch(/^\[1\]\d/);
    expect(without).toMatch(/^\[1\]\d/);
    expect(without).not.toBe(plain);
  });

  test("is told in the right kind of value, or the file is refused", async () => {
    for (const [key, value] of [
      ["add_bos_token", id(0)],
      ["eos_token_id", { type: "string", value: "2" }],
    ] as const) {
      const path = await fileWith({ [`tokenizer.ggml.${key}`]: value as WritableValue });
      const { code, stderr } = await runHere("ll-main", ["-m", path, "-p", "Once", "-n", "1", ...RUN]);
      expect([code, stderr]).toEqual([3, expect.stringContaining(`tokenizer.ggml.${key}`)]);
    }
  });

  test("an id that is none is told, and that of its kind is taken", async () => {
    const path = await fileWith({ "tokenizer.ggml.bos_token_id": id(4_294_967_295) });
    const { code, stderr } = await runHere("ll-main", ["-m", path, "-p", "Once", "-n", "1", ...RUN]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("tokenizer.ggml.bos_token_id is 4294967295")]);
    expect(await promptIds(path, "-p", "Once")).toEqual([1, 385]);
  });
});

describe("the end of a text", () => {
  const PROMPT = ["-p", "Once upon a time", "--temp", "0", "-n", "24", ...RUN];

  test("is where the file says", async () => {
    const free = await runHere("ll-main", ["-m", await fileWith({}), ...PROMPT]);
    expect(free.stderr).not.toContain("[end of text]");
    // the third token that this model draws ends the text now
    const shown = await runHere("ll-tokenize", [await fileWith({}), free.stdout.trimEnd().replace(/^/, " ")]);
    const drawn = shown.stdout.trim().split(" ").map(Number);
    const eos = drawn[6] as number;
    const path = await fileWith({ "tokenizer.ggml.eos_token_id": id(eos) });
    const ends = await runHere("ll-main", ["-m", path, ...PROMPT]);
    expect(ends.stderr).toContain("[end of text]");
    expect(ends.stdout.length).toBeLessThan(free.stdout.length);
    expect(free.stdout.startsWith(ends.stdout.trimEnd())).toBe(true);
    // and --ignore-eos, and a grammar, mean this one
    const ignored = await runHere("ll-main", ["-m", path, ...PROMPT, "--ignore-eos"]);
    expect(ignored.stderr).not.toContain("[end of text]");
    const grammar = await runHere("ll-main", ["-m", path, ...PROMPT, "--grammar", 'root ::= " x"']);
    expect([grammar.code, grammar.stderr]).toEqual([0, expect.stringContaining("[end of text]")]);
  });

  test("may be missing", async () => {
    const path = await fileWith({ "tokenizer.ggml.eos_token_id": { type: "i32", value: -1 } });
    const { code } = await runHere("ll-main", ["-m", path, ...PROMPT, "--ignore-eos"]);
    expect(code).toBe(0);
  });
});

/** A model of zeros. */
async function emptyModel(nVocab: number): Promise<string> {
  const hyperParams = { nVocab, nEmbd: 32, nMult: 32, nHead: 2, nLayer: 1, nRot: 16, ftype: 0 };
  const vocab = Array.from({ length: nVocab }, (_, i) => ({ text: new TextEncoder().encode(`x${i}`), score: -i }));
  const shapes = [...expectedTensors(configFromGgml(hyperParams))];
  const tensors = shapes.map(([name, shape]) => ({ name, type: "f32", shape }));
  const sink = memorySink();
  const writer = await createGgmlWriter(sink, { version: 3, hyperParams, vocab, tensors });
  for (const { name, shape } of tensors) {
    await writer.writeTensor(name, [new Uint8Array(4 * shape.reduce((all, size) => all * size, 1))]);
  }
  await writer.finish();
  const path = join(await temporaryDirectory(), "m.bin");
  await writeFile(path, sink.bytes());
  return path;
}

describe("few pieces", () => {
  test.each([1, 2, 3, 13, 14, 258])("a model of %i ids runs in all programs", async (nVocab) => {
    const model = await emptyModel(nVocab);
    const text = "a".repeat(300);
    const runs = [
      ["ll-main", "-m", model, "-n", "3", "-p", "Hi\n", ...RUN],
      ["ll-main", "-m", model, "-n", "3", "-p", "Hi", "--no-penalize-nl", "--ignore-eos", ...RUN],
      ["ll-main", "-m", model, "-n", "3", "-p", "Hi", "--grammar", 'root ::= "x"+', ...RUN],
      ["ll-main", "-m", model, "-n", "3", "-p", "Hi", "--dry-multiplier", "0.8", "--mirostat", "2", ...RUN],
      ["ll-embedding", "-m", model, "-p", "Hi", ...RUN],
      ["ll-perplexity", "-m", model, "-p", text, "-c", "16", ...RUN],
      ["ll-bench", model, "-p", "4", "-n", "2", "-r", "1", "-t", "1"],
      ["ll-tokenize", model, "Hi"],
    ] as const;
    for (const [bin, ...args] of runs) {
      const { code, stderr } = await runHere(bin, args);
      expect([0, 1], `${bin} ${args.join(" ")}: ${stderr}`).toContain(code); // 1: the grammar permits nothing
    }
  });

  test("ll-chat talks", async () => {
    const child = start(["ll-chat", await emptyModel(14), "--quiet", "-n", "2", "-t", "1"]);
    child.stdin?.write("Hi\n");
    expect(await ended(child)).toMatchObject({ code: 0 });
  });

  test("ids without a piece have no text", async () => {
    const file = await openGguf(memorySource(await tinyGguf()));
    const changes: Record<string, WritableValue> = { "llama.vocab_size": id(1024) };
    for (const [name, itemType] of [
      ["tokens", "string"],
      ["scores", "f32"],
      ["token_type", "i32"],
    ] as const) {
      const array = file.metadata.get(`tokenizer.ggml.${name}`) as GgufArray;
      const items = (await array.read(itemType)).slice(0, 1000);
      changes[`tokenizer.ggml.${name}`] = { type: "array", itemType, items } as WritableValue;
    }
    const path = await fileWith(changes);
    const { code, stderr } = await runHere("ll-main", ["-m", path, "-p", "Once", "-n", "9", "-l", "1010+50", ...RUN]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("eval time")]);
    // the other way round, a text could become ids that the model has not
    const small = await fileWith({ "llama.vocab_size": id(1000) });
    expect((await runHere("ll-main", ["-m", small, "-p", "Once", "-n", "1", ...RUN])).code).toBe(3);
  });
});
