// Conversations through a pipe: what the options about them do, and what --compat brings back.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { ended, type Outcome, start } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-conversation-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

/** A run whose standard input is `said` and then ends; echo goes to standard output. */
function talk(said: string, ...args: string[]): Promise<Outcome> {
  const base = ["-m", model, "-t", "1", "--temp", "0", "-n", "20", "-p", "Once upon a time"];
  const child = start(["ll-main", ...base, ...args], { detached: true });
  child.stdin?.write(said);
  return ended(child);
}

const TEXT = " Once upon a time";
/** The bias that makes the model end its text at once. */
const END = ["-l", "2+100"];

describe("who has the word", () => {
  test("without an option nobody is asked", async () => {
    const { stdout, code } = await talk("hello\n", "-n", "4");
    expect(stdout).toBe(" Once upon a time, there was a");
    expect(code).toBe(0);
  });

  test("--interactive: the user, when the budget is used up; the end of input ends it", async () => {
    const { stdout, stderr, code } = await talk("hello\n", "-i", "-n", "4");
    expect(stdout).toMatch(/^ Once upon a time, there was ahello\n/);
    expect(stderr).toContain(
      "== Running in interactive mode. ==\n - Press Ctrl+C to interject at any time.\n - Press Return",
    );
    expect(code).toBe(0);
  });

  test("--interactive-first: the user at once", async () => {
    expect((await talk("hello\n", "--interactive-first")).stdout).toMatch(/^ Once upon a timehello\n./);
  });

  test("--instruct: the user at once, behind a prompt", async () => {
    expect((await talk("hello\n", "-ins")).stdout).toMatch(/^ Once upon a time\n> hello\n./);
  });

  test("--multiline-input: Return goes on, / ends", async () => {
    const said = "a\nb/\n";
    // the / is shown in another colour, which moves the cursor back
    const shown = `${TEXT}a\nb/\b`;
    expect((await talk(said, "--interactive-first", "--multiline-input")).stdout.slice(0, shown.length)).toBe(shown);
    expect((await talk(said, "--interactive-first")).stdout.slice(0, shown.length)).not.toBe(shown);
  });

  test("-n -2 talks on: a budget that is none never takes the word away", async () => {
    const { stdout, stderr } = await talk("", "-i", "-n", "-2", "-c", "32", "--ignore-eos");
    expect(stdout.length).toBeGreaterThan(60);
    expect(stderr).toContain("\n\nmain: context full, stopping generation\n");
  });
});

describe("round the user's input", () => {
  test("--in-prefix and --in-suffix are printed, with -e after their escapes", async () => {
    const args = ["--interactive-first", "--in-prefix", "P\\t", "--in-suffix", "S"];
    expect((await talk("x\n", ...args)).stdout).toMatch(/^ Once upon a timeP\\tx\nS/);
    expect((await talk("x\n", ...args, "-e")).stdout).toMatch(/^ Once upon a timeP\tx\nS/);
    expect((await talk("x\n", ...args, "-e", "--compat")).stdout).toMatch(/^ Once upon a timeP\\tx\nS/);
  });

  test("--in-prefix-bos is said, and changes what the model answers", async () => {
    const without = await talk("ran to\n", "--interactive-first");
    const withBos = await talk("ran to\n", "--interactive-first", "--in-prefix-bos");
    expect(withBos.stderr).toContain("main: interactive mode on.\nInput prefix with BOS\n");
    expect(without.stdout).toMatch(/^ Once upon a timeran to\n./);
    expect(withBos.stdout).not.toBe(without.stdout);
  });

  test("--in-prefix-bos puts no BOS before a line that is empty, unless the quirk is asked for", async () => {
    const args = ["--interactive-first"];
    const plain = await talk("\n", ...args);
    expect((await talk("\n", ...args, "--in-prefix-bos")).stdout).toBe(plain.stdout);
    expect((await talk("\n", ...args, "--in-prefix-bos", "--compat")).stdout).not.toBe(plain.stdout);
  });

  test("--color paints prompt and input", async () => {
    const { stdout } = await talk("x\n", "--interactive-first", "--color");
    const painted = `\x1b[33m${TEXT}\x1b[0m\x1b[1m\x1b[32mx\n\x1b[0m`;
    expect(stdout.slice(0, painted.length)).toBe(painted);
  });
});

describe("an end of text", () => {
  test("is a newline and the first reverse prompt for build 803, and the text goes on", async () => {
    const { stdout } = await talk("hello\n", "-i", "-r", "User:", ...END);
    expect(stdout).toMatch(/^ Once upon a time\nUser:hello\n/);
  });

  test("without a reverse prompt build 803 goes on until the budget is used up", async () => {
    expect((await talk("hello\n", "-i", "-n", "4", ...END)).stdout).toMatch(/^ Once upon a time\n\n\n\nhello\n/);
  });

  test("--keep-eos: gives the user the word at once", async () => {
    expect((await talk("hello\n", "-i", "--keep-eos", ...END)).stdout).toMatch(/^ Once upon a time\nhello\n/);
  });

  test("--keep-eos: the first reverse prompt comes into the context, and is shown", async () => {
    const { stdout } = await talk("hello\n", "-i", "--keep-eos", "-r", "User:", ...END);
    expect(stdout).toMatch(/^ Once upon a time\nUser:hello\n\nUser:$/);
  });

  test("--keep-eos --compat: it is not shown, as in the builds that came after", async () => {
    const { stdout } = await talk("hello\n", "-i", "--keep-eos", "--compat", "-r", "User:", ...END);
    expect(stdout).toMatch(/^ Once upon a time\nhello\n\n$/);
  });

  test("--keep-eos in instruct mode: one prompt, with --compat on a line of its own", async () => {
    expect((await talk("a\nb\n", "-ins", "--keep-eos", ...END)).stdout).toMatch(
      /^ Once upon a time\n> a\n\n> b\n\n> $/,
    );
    expect((await talk("a\nb\n", "-ins", "--keep-eos", "--compat", ...END)).stdout).toMatch(
      /^ Once upon a time\n> a\n\n\n> b\n\n\n> $/,
    );
  });

  test("ends a run without a user, --keep-eos or not", async () => {
    for (const args of [END, [...END, "--keep-eos"]]) {
      const { stdout, stderr } = await talk("", ...args);
      expect(stdout).toBe(TEXT);
      expect(stderr).toContain(" [end of text]\n");
    }
  });
});

describe("--simple-io", () => {
  const simple = (said: string, ...args: string[]) => talk(said, "--interactive-first", "--simple-io", ...args);

  test("takes lines without echo", async () => {
    const { stdout } = await simple("hello\n");
    expect(stdout).toMatch(/^ Once upon a time./);
    expect(stdout).not.toContain("hello");
  });

  test("--multiline-input turns it round", async () => {
    const multiline = await simple("a\nb\\\n", "--multiline-input");
    expect(multiline.stdout).toBe((await simple("a\\\nb\n")).stdout);
  });
});
