// Drafts in ll-main: they are taken, and nothing else is otherwise.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { runHere } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-drafts-"));
const at = (name: string): string => join(directory, name);
const [model, small] = [at("q8_0.bin"), at("q4_0.bin")];

beforeAll(async () => {
  writeFileSync(model, await tinyModel("q8_0"));
  writeFileSync(small, await tinyModel("q4_0"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const STORY = [
  "-m",
  model,
  "-t",
  "1",
  "-n",
  "60",
  "-p",
  "Once upon a time there was a dog. Once upon a time there was a",
];

/** Drafted and accepted tokens, by the timings. */
function counts(stderr: string): [number, number] {
  const found = /draft tokens = +(\d+), of which (\d+) accepted/.exec(stderr);
  return [Number(found?.[1] ?? Number.NaN), Number(found?.[2] ?? Number.NaN)];
}

describe("the text is the one without", () => {
  test.each([
    ["greedy", ["--temp", "0"]],
    ["the default chain", ["-s", "1"]],
    ["top-p alone", ["-s", "2", "--top-k", "0"]],
    ["mirostat 2", ["-s", "3", "--mirostat", "2"]],
    ["a small context", ["-s", "4", "-c", "32", "--temp", "0.3", "--keep", "3", "-n", "100"]],
    ["a grammar", ["-s", "5", "--grammar", "root ::= [a-z ,.]+"]],
    ["guidance", ["-s", "6", "--cfg-scale", "2", "--cfg-negative-prompt", "Once"]],
    ["a reverse prompt", ["-s", "7", "-r", "the"]],
  ])("with %s", async (_, options) => {
    const plain = await runHere("ll-main", [...STORY, ...options]);
    expect(plain.code, plain.stderr).toBe(0);
    for (const drafts of [
      ["--lookup", "6"],
      ["--draft-model", small],
      ["--lookup", "3", "--draft-model", small, "--draft", "2"],
    ]) {
      const withDrafts = await runHere("ll-main", [...STORY, ...options, ...drafts]);
      expect(withDrafts.stdout).toBe(plain.stdout);
      expect(counts(withDrafts.stderr)[0]).toBeGreaterThanOrEqual(counts(withDrafts.stderr)[1]);
    }
  });

  test("and so are the ids and the session", async () => {
    const run = async (name: string, ...drafts: string[]) => {
      const session = ["--prompt-cache", at(name), "--prompt-cache-all", "--json", "--temp", "0.2", "-s", "8"];
      const { stdout, code, stderr } = await runHere("ll-main", [...STORY, ...session, ...drafts]);
      expect(code, stderr).toBe(0);
      const { ids, timings } = JSON.parse(stdout);
      return { ids, timings, bytes: readFileSync(at(name)) };
    };
    const [plain, drafted] = [await run("plain"), await run("drafted", "--draft-model", small, "--draft", "4")];
    expect(drafted.ids).toEqual(plain.ids);
    expect(drafted.bytes.equals(plain.bytes)).toBe(true);
    expect(plain.timings.draftedTokens).toBeUndefined();
    expect(drafted.timings.acceptedTokens).toBeGreaterThan(10);
    expect(drafted.timings.evalTokens).toBeGreaterThanOrEqual(plain.timings.evalTokens);
  });
});

test("most guesses of a good model are accepted, and --draft says how many there are at a time", async () => {
  const greedy = [...STORY, "--temp", "0", "--repeat-penalty", "1", "--draft-model", small];
  const [five, one, none] = await Promise.all([
    runHere("ll-main", greedy),
    runHere("ll-main", [...greedy, "--draft", "1"]),
    runHere("ll-main", [...greedy, "--draft", "0"]),
  ]);
  const [drafted, accepted] = counts(five.stderr);
  expect(accepted / drafted).toBeGreaterThan(0.6);
  expect(counts(one.stderr)[1]).toBeLessThanOrEqual(30); // every other token at most
  expect(none.stderr).not.toContain("draft tokens");
});

describe("nothing is drafted, and a line says why,", () => {
  test("where results depend on how many tokens are evaluated at once", async () => {
    const { code, stderr } = await runHere("ll-main", [...STORY, "--lookup", "4", "--compat", "--memory-f32"]);
    expect(code).toBe(0);
    expect(stderr).toContain("nothing is drafted: with --compat and --memory-f32");
    expect(stderr).not.toContain("draft tokens");
  });
});

describe("refused", () => {
  test.each(["-1", "65", "x"])("drafts of %s tokens", async (n) => {
    expect((await runHere("ll-main", [...STORY, "--lookup", n])).code).toBe(2);
  });

  test("a draft model that is not there", async () => {
    expect((await runHere("ll-main", [...STORY, "--draft-model", at("absent")])).code).toBe(4);
  });
});

describeWithTestData("models of today", () => {
  const family = (name: string): string => testData(`models/families/${name}/model.gguf`);
  const run = (name: string, ...drafts: string[]) =>
    runHere("ll-main", [
      "-m",
      family(name),
      "-p",
      "a b a b a b",
      "-n",
      "24",
      "--temp",
      "0",
      "--repeat-penalty",
      "1",
      "-t",
      "1",
      ...drafts,
    ]);

  test("with recurrent layers say so", async () => {
    const [plain, drafted] = [await run("qwen35"), await run("qwen35", "--lookup", "4")];
    expect(drafted.stderr).toContain("nothing is drafted: a model with recurrent layers");
    expect(drafted.stdout).toBe(plain.stdout);
  });

  test("are drafted for", async () => {
    const [plain, drafted] = [await run("qwen3"), await run("qwen3", "--draft-model", family("qwen3"))];
    expect(drafted.stdout).toBe(plain.stdout);
    const [nDrafted, nAccepted] = counts(drafted.stderr);
    expect([nDrafted > 10, nAccepted]).toEqual([true, nDrafted]);
  });

  test("of another vocabulary are refused", async () => {
    const { code, stderr } = await run("qwen3", "--draft-model", family("gemma2"));
    expect([code, stderr]).toEqual([1, expect.stringContaining("has another vocabulary")]);
  });
});
