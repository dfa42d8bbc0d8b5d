// What of a run is shown: --no-display-prompt, --quiet, --color=WHEN, and a prompt from standard input.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tinyModel } from "../../../../tools/tiny-model.ts";
import { captured, ended, type Outcome, runHere, runOn, start } from "../programs.ts";

const directory = mkdtempSync(join(tmpdir(), "ll-output-"));
const model = join(directory, "model.bin");
beforeAll(async () => writeFileSync(model, await tinyModel("f16")));
afterAll(() => rmSync(directory, { recursive: true }));

const RUN = ["-m", model, "-t", "1", "--temp", "0", "-n", "4"];
const ONCE = ["-p", "Once upon a time"];
const TEXT = " Once upon a time, there was a";

/** ll-main with `input` as standard input. */
function piped(input: string, ...args: string[]): Promise<Outcome> {
  const child = start(["ll-main", ...RUN, ...args]);
  child.stdin?.write(input);
  return ended(child);
}

test("--no-display-prompt: the text begins behind the prompt, in no colour", async () => {
  expect((await runHere("ll-main", [...RUN, ...ONCE, "--no-display-prompt"])).stdout).toBe(", there was a");
  expect((await runHere("ll-main", [...RUN, ...ONCE, "--no-display-prompt", "--color"])).stdout).toBe(", there was a");
});

describe("--quiet", () => {
  test("the text, and nothing on standard error", async () => {
    expect(await runHere("ll-main", [...RUN, ...ONCE, "-q"])).toMatchObject({ code: 0, stdout: TEXT, stderr: "" });
  });

  test("what failed is said with all that led to it", async () => {
    const { code, stdout, stderr } = await runHere("ll-main", ["-m", join(directory, "none.bin"), "-q"]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/^main: build = 803 .*\n.*none\.bin.*\nmain: error: unable to load model\n$/s);
  });

  test("ll-perplexity prints the last value of those it prints without it", async () => {
    const text = join(directory, "text.txt");
    writeFileSync(text, "The little dog ran to the park and saw a big red ball. It was very happy to play.\n");
    const args = ["-m", model, "-t", "1", "-f", text, "-c", "8"];
    const [aloud, quiet] = [await runHere("ll-perplexity", args), await runHere("ll-perplexity", [...args, "-q"])];
    expect(quiet).toMatchObject({ code: 0, stderr: "" });
    expect(quiet.stdout).toMatch(/^\d+\.\d{4}\n$/);
    expect(aloud.stdout).toMatch(/\[2\]/);
    expect(aloud.stdout.endsWith(`]${quiet.stdout.trimEnd()},\n`)).toBe(true);
  });

  test("ll-perplexity --hellaswag prints the last share", async () => {
    const tasks = join(directory, "tasks.txt");
    const task = "The dog:\n1\nran away.\nsat down.\nate the moon.\nwas the of.\n";
    writeFileSync(tasks, task + task.replace("dog", "cat"));
    const args = ["-m", model, "-t", "1", "-f", tasks, "--hellaswag"];
    const [aloud, quiet] = [await runHere("ll-perplexity", args), await runHere("ll-perplexity", [...args, "-q"])];
    expect(quiet.stdout).toMatch(/^\d+\.\d{8}\n$/);
    expect(aloud.stdout.endsWith(`\n2\t${quiet.stdout}\n`)).toBe(true);
  });
});

describe.skipIf(process.platform === "win32")("a prompt from a named pipe", () => {
  const pipe = join(directory, "pipe");
  beforeAll(() => execFileSync("mkfifo", [pipe]));
  const waiting = async () => {
    const child = start(["ll-main", ...RUN, "-f", pipe]);
    const said = new Promise<string>((resolve) => child.stderr?.setEncoding("utf8").once("data", resolve));
    expect(await said).toBe(`reading ${pipe}\n`);
    return child;
  };

  test("comes when somebody writes it", async () => {
    const child = await waiting();
    writeFileSync(pipe, "Once upon a time\n");
    expect((await ended(child)).stdout).toBe(TEXT);
  });

  test("that nobody writes does not keep a signal waiting", async () => {
    const child = await waiting();
    child.kill("SIGTERM");
    expect((await ended(child)).code).toBe(143);
  });
});

describe("a prompt from standard input", () => {
  test.each([["-p", "-"], ["-f", "-"], ["--prompt=-"]])("%s %s: without the last newline", async (...args) => {
    expect((await piped("Once upon a time\n", ...args)).stdout).toBe(TEXT);
  });

  test("is said to be waited for, if nothing comes for a second", async () => {
    const child = start(["ll-main", ...RUN, "-f", "-"]);
    const said = new Promise<string>((resolve) => child.stderr?.setEncoding("utf8").once("data", resolve));
    expect(await said).toBe("reading standard input\n");
    child.stdin?.write("Once upon a time\n");
    expect((await ended(child)).stdout).toBe(TEXT);
  });

  test("with -q nothing is said", async () => {
    const child = start(["ll-main", ...RUN, "-f", "-", "-q"]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.stdin?.write("Once upon a time\n");
    expect(await ended(child)).toMatchObject({ stdout: TEXT, stderr: "" });
  });

  test("leaves nothing for a conversation, which then ends", async () => {
    const { code, stdout } = await piped("Once upon a time\n", "-p", "-", "-i");
    expect({ code, stdout: stdout.slice(0, TEXT.length) }).toEqual({ code: 0, stdout: TEXT });
  });
});

describe("--color=WHEN", () => {
  const YELLOW = "\x1b[33m";

  test.each([
    // WHEN, terminal, environment, painted
    ["", true, {}, false],
    ["", true, { FORCE_COLOR: "1" }, false],
    ["--color", false, {}, true],
    ["--color", true, { NO_COLOR: "1" }, true],
    ["--color=always", false, {}, true],
    ["--color=never", true, { FORCE_COLOR: "1" }, false],
    ["--color=auto", true, {}, true],
    ["--color=auto", false, {}, false],
    ["--color=auto", true, { NO_COLOR: "1" }, false],
    ["--color=auto", true, { TERM: "dumb" }, false],
    ["--color=auto", false, { FORCE_COLOR: "1" }, true],
    ["--color=auto", true, { FORCE_COLOR: "0" }, false],
  ])("'%s', terminal: %s, %j", async (when, isTty, env, painted) => {
    const out = captured(isTty);
    const args = [...RUN, ...ONCE, ...(when === "" ? [] : [when])];
    expect(await runOn("ll-main", args, { out, err: captured(), env })).toBe(0);
    expect(out.text().includes(YELLOW)).toBe(painted);
    expect(out.text().endsWith(painted ? "\x1b[0m, there was a" : TEXT)).toBe(true);
  });

  test("another word is a usage error", async () => {
    const { code, stderr } = await runHere("ll-main", [...RUN, "--color=sometimes"]);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown argument: --color=sometimes\n");
  });
});
