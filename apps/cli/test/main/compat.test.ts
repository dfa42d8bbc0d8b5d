// The places where the default is better than build 803's, a test for each row of the table in docs/options.md, and what --compat
// brings back.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { ended, type Outcome, runHere, start, temporaryDirectory } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-compat-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

const BASE = ["-t", "1", "-s", "1", "-n", "12"];
const ONCE = ["-p", "Once upon a time"];
const COMPAT = "--compat";

const main = (...args: string[]): Promise<Outcome> => runHere("ll-main", ["-m", model, ...BASE, ...args]);
const textOf = async (...args: string[]): Promise<string> => (await main(...args)).stdout;

/** What a conversation prints whose user says this and no more. */
async function talk(said: string, ...args: string[]): Promise<string> {
  const argv = ["ll-main", "-m", model, ...BASE, ...ONCE, "--interactive-first", ...args];
  const child = start(argv, { detached: true });
  child.stdin?.write(said);
  return (await ended(child)).stdout;
}

/** The session file of a run that saves everything. */
async function savedBy(...args: string[]): Promise<Buffer> {
  const path = join(await temporaryDirectory(), "session");
  await main(...ONCE, "--temp", "0", "--prompt-cache", path, "--prompt-cache-all", ...args);
  return readFileSync(path);
}

/** By what stands in the first column, with marks of code left away. */
const RESTORED: Readonly<Record<string, () => Promise<void>>> = {
  async "mem required"() {
    const figures = async (...args: string[]): Promise<number[]> => {
      const { stderr } = await main(...ONCE, ...args);
      const [, model, state] = /mem required {2}= +([\d.]+) MB \(\+ +([\d.]+) MB per state\)/.exec(stderr) ?? [];
      return [Number(model), Number(state)];
    };
    const [model = 0, state = 0] = await figures();
    // the tiny model needs little; build 803 says 1024 + 768 MB and 1026 MB of every model whose size it does not know
    expect(model).toBeGreaterThan(0);
    expect(model + state).toBeLessThan(64);
    const [old = 0, oldState = 0] = await figures(COMPAT);
    expect(old).toBeGreaterThan(1792);
    expect(oldState).toBe(1026);
    expect((await figures("-c", "64"))[1]).toBeLessThan(state);
    expect((await figures("--memory-f32"))[1]).toBeGreaterThan(state);
  },
  async "--no-penalize-nl"() {
    const args = ["-p", "a\n\n\n\n", "--repeat-penalty", "100", "--temp", "0", "-l", "13+9"];
    const penalised = await textOf(...args);
    expect(await textOf(...args, "--no-penalize-nl")).not.toBe(penalised);
    expect(await textOf(...args, "--no-penalize-nl", COMPAT)).toBe(penalised);
  },
  async "--memory-f32"() {
    const args = [...ONCE, "--memory-f32"];
    const whole = await textOf(...args);
    expect(await textOf(...args, "-b", "2")).toBe(whole);
    expect(await textOf(...args, COMPAT)).not.toBe(await textOf(...args, COMPAT, "-b", "2"));
  },
  async "--prompt-cache"() {
    const args = [...ONCE, "--prompt-cache", join(await temporaryDirectory(), "session")];
    const first = await textOf(...args);
    expect(await textOf(...args)).toBe(first);
    expect(await textOf(...args, COMPAT)).not.toBe(first);
  },
  async "session files"() {
    // the end of the block of the random state, 8 + 32 bytes of header behind the number of tokens and these
    const stampOf = (file: Buffer): Buffer => {
      const blockEnd = 44 + 4 * file.readUInt32LE(40) + 8 + 65536;
      return file.subarray(blockEnd - 8, blockEnd);
    };
    expect(stampOf(await savedBy()).every((byte) => byte === 0)).toBe(false);
    expect(stampOf(await savedBy(COMPAT)).every((byte) => byte === 0)).toBe(true);
  },
  async "--logit-bias"() {
    const bias = ["-l", "500-inf"]; // of an id that is not drawn
    const plain = await savedBy();
    expect(await savedBy(...bias)).toEqual(plain);
    expect(await savedBy(...bias, COMPAT)).not.toEqual(await savedBy(COMPAT));
  },
  async "-e"() {
    const args = ["-e", "--in-prefix", "P\\t", "--in-suffix", "S\\t"];
    expect(await talk("x\n", ...args)).toMatch(/^ Once upon a timeP\tx\nS\t/);
    expect(await talk("x\n", ...args, COMPAT)).toMatch(/^ Once upon a timeP\\tx\nS\\t/);
  },
  async "-p -"() {
    const piped = async (...args: string[]): Promise<string> => {
      const child = start(["ll-main", "-m", model, ...BASE, ...args]);
      child.stdin?.write("Once upon\n");
      return (await ended(child)).stdout;
    };
    expect(await piped("-p", "-")).toMatch(/^ Once upon/);
    expect(await piped("-p", "-", COMPAT)).toMatch(/^ -/);
  },
  async "an answer of one letter, ended by /"() {
    // what follows an answer is the suffix
    expect(await talk("x/\n", "--in-suffix", "<S>")).toContain("<S>");
    expect(await talk("x/\n", "--in-suffix", "<S>", COMPAT)).not.toContain("<S>");
  },
  async "an empty line behind --in-prefix"() {
    const args = ["--in-prefix", "<P>", "--in-suffix", "<S>"];
    expect(await talk("\n", ...args)).not.toContain("<S>");
    expect(await talk("\n", ...args, COMPAT)).toContain("<P>\n<S>");
  },
};

/** Rows whose tests are elsewhere: a file, and the title of its test. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  "--keep-eos": ["conversation.test.ts", "--keep-eos --compat: it is not shown, as in the builds that came after"],
  "--in-prefix-bos": ["conversation.test.ts", "--in-prefix-bos puts no BOS before a line that is empty"],
  "the end of input": ["conversation.test.ts", "the end of input ends it"],
  "-i -n -2": ["conversation.test.ts", "-n -2 talks on: a budget that is none never takes the word away"],
  "--lora, an adapter that does not fit": ["lora.test.ts", "an adapter %s is refused"],
  "--lora-base, quantised": ["lora.test.ts", "on a quantised base"],
  "a negative prompt that does not fit again after a swap": ["guidance.test.ts", "after a context swap, ends the text"],
  "a grammar with left recursion or endless repetition": ["grammar.test.ts", "%s is refused"],
  "a grammar that permits no token": ["grammar.test.ts", "without an end of text it cannot end, which is said"],
};

/** Better with --compat as well. */
const KEPT: Readonly<Record<string, () => Promise<void>>> = {
  async "--help"() {
    const { code, stdout, stderr } = await main(COMPAT, "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Examples:/);
  },
  async "a command line that is not understood"() {
    for (const wrong of [["--nonsense"], ["-n", "many"], ["-n"]]) expect((await main(COMPAT, ...wrong)).code).toBe(2);
  },
  async "a number with something behind it"() {
    expect(await main(COMPAT, "-n", "12abc")).toMatchObject({ code: 2, stdout: "" });
  },
};

describe("restored by --compat", () => {
  test.each(Object.keys(RESTORED))("%s", (row) => RESTORED[row]?.());
});

describe("better with --compat too", () => {
  test.each(Object.keys(KEPT))("%s", (row) => KEPT[row]?.());
});

describe("the table of docs/options.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/options.md"), "utf8");
  const section = page.split("\n## Where the default is better, and what --compat brings back\n")[1]?.split("\n## ")[0];
  const rows = (section ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));

  test("has exactly the rows that are tested", () => {
    const tested = [RESTORED, ELSEWHERE, KEPT].flatMap((some) => Object.keys(some));
    expect(new Set(rows.map(([, where]) => where))).toEqual(new Set(tested));
    for (const [file, title] of Object.values(ELSEWHERE)) {
      expect(readFileSync(join(import.meta.dirname, file), "utf8")).toContain(title);
    }
  });

  test("says of each what --compat does", () => {
    const restored = rows.filter((row) => row[4] === "as there").map(([, where]) => where);
    expect(restored).toEqual([...Object.keys(RESTORED), "--keep-eos", "--in-prefix-bos"]);
    for (const row of rows) expect(row[4]).toMatch(/^as (there|here)$/);
  });
});
