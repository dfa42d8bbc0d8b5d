// ll-tokenize --jsonl: a line goes in, a line comes out.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { describeWithTestData, fixture, testData } from "../../../../tools/test-data.ts";
import { ended, runHere, start, temporaryDirectory } from "../programs.ts";

const VOCAB = fixture("tiny/meta/tokenizer.model");

async function runLines(model: string, lines: string, ...options: string[]) {
  const path = join(await temporaryDirectory(), "lines.jsonl");
  await writeFile(path, lines);
  return runHere("ll-tokenize", [model, "--jsonl", "-f", path, ...options]);
}

describe("ll-tokenize --jsonl", () => {
  test("answers each line, texts and bytes", async () => {
    const lines =
      '{"text":" Once"}\n\n{"hex":"204f6e6365","bos":true}\r\n{"text":"","special":true}\n{"text":"\u2028"}';
    const { code, stdout } = await runLines(VOCAB, lines);
    const [plain, hex, empty, separator, ...rest] = stdout.split("\n");
    expect([code, plain, hex, empty, rest]).toEqual([0, '{"ids":[385]}', '{"ids":[1,385]}', '{"ids":[]}', [""]]);
    expect(JSON.parse(separator ?? "").ids).toHaveLength(3);
  });

  test("answers before the next line comes", async () => {
    const child = start(["ll-tokenize", VOCAB, "--jsonl"]);
    const answer = (): Promise<string> =>
      new Promise((resolve) => child.stdout?.once("data", (chunk) => resolve(String(chunk))));
    const first = answer();
    child.stdin?.write('{"text":" Once"}\n');
    expect(await first).toContain('{"ids":[');
    child.stdin?.write('{"text":"a"}\n');
    expect((await ended(child)).code).toBe(0);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["nothing to encode", '{"special":true}'],
    ["both", '{"text":"a","hex":"61"}'],
    ["half a byte", '{"hex":"6"}'],
    ["another key", '{"text":"a","bso":true}'],
    ["a number for a switch", '{"text":"a","bos":1}'],
  ])("refuses %s, and names the line", async (_name, line) => {
    const { code, stdout, stderr } = await runLines(VOCAB, `{"text":"a"}\n${line}\n`);
    expect([code, stdout.split("\n").length]).toEqual([1, 2]);
    expect(stderr).toContain("line 2: expected");
  });

  test("refuses what lines say for themselves", async () => {
    for (const option of ["--bos", "--special", "--json", "--pieces", "--as-prompt"]) {
      expect((await runLines(VOCAB, "", option)).code).toBe(2);
    }
    expect((await runLines(VOCAB, "", "--ids", "mine")).stderr).toContain("publisher");
  });
});

interface Case {
  readonly text?: string;
  readonly hex?: string;
  readonly plain: readonly number[];
  readonly special?: readonly number[];
  readonly model?: readonly number[];
}

describeWithTestData("recorded ids", () => {
  test.each(["qwen3", "phi3"])("%s", async (name) => {
    const golden: { vocab: string; modelReference: string | null; cases: readonly (Case & { repeat?: unknown })[] } =
      JSON.parse(readFileSync(testData(`golden/bpe-${name}.json`), "utf8"));
    const model = join(await temporaryDirectory(), "vocab.gguf");
    await writeFile(model, gunzipSync(readFileSync(testData(golden.vocab))));
    const cases = golden.cases.filter(({ repeat }) => repeat === undefined);
    const linesFor = (special: boolean) =>
      cases
        .map(({ text, hex }) => `${JSON.stringify({ ...(text === undefined ? { hex } : { text }), special })}\n`)
        .join("");
    const answers = async (special: boolean, whose: string): Promise<unknown[]> => {
      const { stdout } = await runLines(model, linesFor(special), "--ids", whose);
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).ids);
    };
    expect(await answers(false, "llama.cpp")).toEqual(cases.map(({ plain }) => plain));
    expect(await answers(true, "llama.cpp")).toEqual(cases.map(({ plain, special = plain }) => special));
    if (golden.modelReference === null) return;
    const own = await answers(true, "publisher");
    for (const [i, { hex, plain, special = plain, model: ids = special }] of cases.entries()) {
      if (hex === undefined) expect(own[i]).toEqual(ids);
    }
  });
});
