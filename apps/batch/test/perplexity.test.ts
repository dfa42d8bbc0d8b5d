// ll-batch perplexity prints what ll-perplexity prints, however its windows are worked on.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "../../../tools/test-data.ts";
import { type Folder, finishProgram, modelFile, runHere, start, temporaryFolder } from "./support/programs.ts";

const CLI = join(import.meta.dirname, "../../cli/src/bin.ts");
let folder: Folder;
let model: string;
let corpus: string;

beforeAll(async () => {
  folder = temporaryFolder();
  model = await modelFile(folder);
  corpus = folder.write("corpus.txt", readFileSync(fixture("tiny/TRAINING.md"), "utf8"));
});
afterAll(() => folder.remove());

const options = ["-c", "64", "--chunks", "20"];
const here = (...more: string[]) => runHere(["perplexity", corpus, "-m", model, ...options, "--no-progress", ...more]);

test("the text, the last figure and the object are those of ll-perplexity", async () => {
  const golden = (...more: string[]) =>
    finishProgram(CLI, ["perplexity", "-m", model, "-f", corpus, ...options, ...more]);
  const text = await golden();
  expect(text.out).toMatch(/^(\[\d+\]\d+\.\d{4},){20}\n$/);
  expect(await here("--chunk-windows", "3")).toEqual({ code: 0, out: text.out, err: "" });
  expect(await here("--chunk-windows", "7", "--threads", "1")).toMatchObject({ code: 0, out: text.out });
  expect((await here("--quiet")).out).toBe((await golden("--quiet")).out);
  const { value, error, scored, windows } = JSON.parse((await golden("--json")).out);
  expect(JSON.parse((await here("--json")).out)).toMatchObject({ value, error, scored, windows });
  expect(existsSync(`${corpus}.ll-batch`)).toBe(false);
});

test("one that is killed goes on where it was", async () => {
  const golden = (await here()).out;
  const kept = `${corpus}.ll-batch`;
  const pieces = () => (existsSync(kept) ? readdirSync(kept).filter((name) => /^\d+-1-/.test(name)).length : 0);
  const args = ["perplexity", corpus, "-m", model, ...options, "--no-progress", "--chunk-windows", "1"];
  const program = start(args);
  await expect.poll(pieces, { interval: 2, timeout: 60_000 }).toBeGreaterThan(1);
  program.child.kill("SIGKILL");
  expect(await program.ended).toBe("SIGKILL");
  expect(program.out()).toBe("");
  expect((await here("-c", "32")).err).toMatch(/has results of another run: context was 64, and is 32/);
  expect(await here()).toEqual({ code: 0, out: golden, err: "" });
});

test.each<[string, string[], number, RegExp]>([
  ["no text", [], 2, /expected a text/],
  ["no model", ["x"], 2, /no model given/],
  ["a text that is not there", ["nothing.txt", "-m", "MODEL"], 4, /nothing\.txt/],
  ["a text that is too short", ["SHORT", "-m", "MODEL"], 1, /a chunk takes 512 tokens and the text has \d+/],
])("%s is refused", async (_name, args, code, message) => {
  const short = folder.write("short.txt", "Once upon a time");
  const given = args.map((arg) => ({ MODEL: model, SHORT: short })[arg] ?? arg);
  const run = await runHere(["perplexity", ...given]);
  expect({ ...run, err: "" }).toEqual({ code, out: "", err: "" });
  expect(run.err).toMatch(message);
});
